//! Public keys that must not be trusted, although their form is right.

/// Refuses RSA keys that can be factored or forged with: too short, too long to
/// verify cheaply, of a wrong form, or made by the chips of CVE-2017-15361.
pub(super) fn check_rsa(n: &[u8], e: &[u8]) -> Result<(), &'static str> {
    let significant = n.iter().position(|byte| *byte != 0);
    let n = significant.map_or(&[][..], |start| n.split_at(start).1);
    let leading = n.first().map_or(8, |byte| byte.leading_zeros() as usize);
    let bits = (n.len() * 8).saturating_sub(leading);
    if !(2048..=4096).contains(&bits) {
        return Err("its modulus is not of 2048 to 4096 bits");
    }
    if n.last().is_none_or(|byte| byte % 2 == 0) {
        return Err("its modulus is even");
    }
    // FIPS 186-5 section 5.4: odd, and not below 2^16.
    let exponent = e.iter().try_fold(0_u64, |sum, byte| {
        sum.checked_mul(256)?.checked_add(u64::from(*byte))
    });
    match exponent {
        Some(exponent) if exponent >= 65_537 && exponent % 2 == 1 && exponent < 1 << 33 => {}
        _ => return Err("its exponent is not one that RSA keys have"),
    }
    if is_roca(n) {
        return Err("it was made with the weakness CVE-2017-15361 (ROCA)");
    }
    Ok(())
}

/// Primes of that weakness are powers of 65537 modulo each small prime, and so
/// is their product. A good modulus passes for one with a chance of 2^-27.
fn is_roca(n: &[u8]) -> bool {
    const PRIMES: [u32; 17] = [
        11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157,
    ];
    PRIMES.iter().all(|prime| {
        let rest = n
            .iter()
            .fold(0, |rest, byte| (rest * 256 + u32::from(*byte)) % prime);
        let mut power = 1;
        (0..*prime).any(|_| {
            power = power * (65_537 % prime) % prime;
            power == rest
        })
    })
}

/// The encodings of the points of Ed25519 whose order divides 8: with such a
/// key a signature over any message can be made up (RFC 8032 section 8.9 and
/// the list of libsodium). The sign bit does not matter.
pub(super) fn is_small_order(x: &[u8]) -> bool {
    const ORDER_8_A: [u8; 32] = [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98,
        0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53,
        0xfc, 0x05,
    ];
    const ORDER_8_B: [u8; 32] = [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67,
        0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac,
        0x03, 0x7a,
    ];
    let Some((last, low)) = x.split_last() else {
        return false;
    };
    let last = last & 0x7f;
    let same = |point: &[u8; 32]| point.split_last() == Some((&last, low));
    // 0, 1, and, around the prime 2^255 - 19: p - 1, p, p + 1.
    let near_zero = last == 0
        && matches!(low.split_first(), Some((0 | 1, rest)) if rest.iter().all(|byte| *byte == 0));
    let near_prime = last == 0x7f
        && matches!(low.split_first(), Some((0xec..=0xee, rest)) if rest.iter().all(|byte| *byte == 0xff));
    near_zero || near_prime || same(&ORDER_8_A) || same(&ORDER_8_B)
}
