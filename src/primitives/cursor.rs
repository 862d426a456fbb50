//! Cursors as clients hold them: a place in an order, sealed with a checksum.
//!
//! A cursor grants no access: statements filter by the owner in any case. The checksum
//! only detects a cursor of another list, order or owner, or a damaged one, so that a
//! mistake is an error and not a page of something else. It needs no secret, and so a
//! cursor works across replicas and restarts; and so anybody can compute it, and what
//! is inside must be parsed as any input.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

const CHECKSUM_BYTES: usize = 8;

/// Whose cursor it is, and of what: neither contains NUL.
#[derive(Debug, Clone, Copy)]
pub struct Seal<'a> {
    /// The owner.
    pub owner: &'a str,
    /// The list with its filters and its order, in canonical form.
    pub list: &'a str,
}

impl Seal<'_> {
    /// A place as base64url, behind its checksum.
    pub fn close(self, place: &[u8]) -> String {
        let mut bytes = self.checksum(place).to_vec();
        bytes.extend(place);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The place in a cursor; none if it was not issued for this owner and this list.
    pub fn open(self, cursor: &str) -> Option<Vec<u8>> {
        let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let (sum, place) = bytes.split_at_checked(CHECKSUM_BYTES)?;
        (sum == self.checksum(place)).then(|| place.to_vec())
    }

    fn checksum(self, place: &[u8]) -> [u8; CHECKSUM_BYTES] {
        let mut context = digest::Context::new(&digest::SHA256);
        // NUL separates the three parts unambiguously.
        for part in [self.owner.as_bytes(), self.list.as_bytes(), place] {
            context.update(part);
            context.update(&[0]);
        }
        let mut sum = [0; CHECKSUM_BYTES];
        for (to, from) in sum.iter_mut().zip(context.finish().as_ref()) {
            *to = *from;
        }
        sum
    }
}
