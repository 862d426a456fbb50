//! Key rotation: keys that are added, removed and replaced, and unknown `kid`s.

use futures_util::future::{join, join_all};
use serde_json::json;

use crate::support::block_on;
use crate::support::key_server::{KeyServer, Response};
use crate::support::pairs::{Pair, set_of};
use crate::support::trust::{
    claims_of, eventually, published, token_of, token_with_kid, trusting, trusting_with, verdict,
};

/// The set is fetched again every second.
const SOON: &[(&str, &str)] = &[("TODOWARD__AUTH__JWKS_TTL", "1")];

fn publish(server: &KeyServer, pairs: &[&Pair]) {
    server.respond(published(pairs));
}

fn serve(pair: &Pair) -> KeyServer {
    KeyServer::start(published(&[pair]))
}

#[test]
fn concurrent_tokens_of_a_new_key_cause_one_fetch_and_none_is_refused() {
    block_on(async {
        let (old, new) = (Pair::ed25519("old"), Pair::p256("new"));
        let server = serve(&old);
        let app = trusting(&server).await;
        publish(&server, &[&old, &new]);
        server.hold();
        let tokens: Vec<String> = (0..300)
            .map(|user| token_of(&server, &new, &format!("user {user}")))
            .collect();
        let verdicts = join_all(tokens.iter().map(|token| verdict(&app, token)));
        let release = async {
            eventually("somebody fetches", async || server.fetches() == 2).await;
            // Meanwhile tokens of known keys are accepted.
            assert_eq!(
                verdict(&app, &token_of(&server, &old, "alice")).await,
                "accepted"
            );
            server.release();
        };
        let (verdicts, ()) = join(verdicts, release).await;
        assert!(
            verdicts.iter().all(|verdict| verdict == "accepted"),
            "{verdicts:?}"
        );
        assert_eq!(server.fetches(), 2);
    });
}

#[test]
fn unknown_kids_cause_one_fetch_however_many_they_are() {
    block_on(async {
        let pair = Pair::ed25519("k");
        let server = serve(&pair);
        let app = trusting(&server).await;
        server.hold();
        let unknown = |at: usize| token_with_kid(&server, &pair, Some(&format!("unknown {at}")));
        let tokens: Vec<String> = (0..300).map(unknown).collect();
        let verdicts = join_all(tokens.iter().map(|token| verdict(&app, token)));
        let release = async {
            eventually("somebody fetches", async || server.fetches() == 2).await;
            server.release();
        };
        let (verdicts, ()) = join(verdicts, release).await;
        assert!(
            verdicts.iter().all(|verdict| verdict == "unknown_key"),
            "{verdicts:?}"
        );
        for at in 300..350 {
            assert_eq!(verdict(&app, &unknown(at)).await, "unknown_key");
        }
        assert_eq!(
            verdict(&app, &token_of(&server, &pair, "alice")).await,
            "accepted"
        );
        assert_eq!(server.fetches(), 2);
    });
}

#[test]
fn no_token_is_refused_over_many_rotations_in_a_row() {
    block_on(async {
        let mut pairs = vec![Pair::ed25519("0")];
        let server = serve(&pairs[0]);
        let app = trusting(&server).await;
        for rotation in 1..=12 {
            pairs.push(Pair::ed25519(&rotation.to_string()));
            // The two newest keys are in the set; older ones are removed.
            let current: Vec<&Pair> = pairs.iter().rev().take(2).collect();
            publish(&server, &current);
            let tokens: Vec<String> = (0..20)
                .map(|user| token_of(&server, current[user % 2], &format!("user {user}")))
                .collect();
            let verdicts = join_all(tokens.iter().map(|token| verdict(&app, token))).await;
            assert!(
                verdicts.iter().all(|verdict| verdict == "accepted"),
                "{rotation}: {verdicts:?}"
            );
            if let Some(gone) = pairs.iter().rev().nth(2) {
                // A fetch for an old kid changes nothing and would begin a
                // cool-down, so old kids are only tried after the last rotation.
                if rotation == 12 {
                    let token = token_of(&server, gone, "alice");
                    assert_eq!(verdict(&app, &token).await, "unknown_key");
                }
            }
        }
    });
}

#[test]
fn tokens_of_a_key_that_is_gone_end_with_the_next_fetch() {
    block_on(async {
        let (old, new) = (Pair::ed25519("old"), Pair::p256("new"));
        let server = serve(&old);
        let app = trusting_with(&server, SOON).await;
        let remembered = token_of(&server, &old, "alice");
        for _ in 0..3 {
            assert_eq!(verdict(&app, &remembered).await, "accepted");
        }
        publish(&server, &[&new]);
        eventually("the old key is gone", async || {
            verdict(&app, &remembered).await == "unknown_key"
        })
        .await;
        assert_eq!(
            verdict(&app, &token_of(&server, &old, "bob")).await,
            "unknown_key"
        );
        assert_eq!(
            verdict(&app, &token_of(&server, &new, "alice")).await,
            "accepted"
        );
    });
}

#[test]
fn tokens_of_a_key_that_is_replaced_under_its_name_end_with_the_next_fetch() {
    block_on(async {
        let (old, new) = (Pair::ed25519("k"), Pair::ed25519("k"));
        let server = serve(&old);
        let app = trusting_with(&server, SOON).await;
        let [before, after] = [&old, &new].map(|pair| token_of(&server, pair, "alice"));
        assert_eq!(verdict(&app, &before).await, "accepted");
        assert_eq!(verdict(&app, &after).await, "invalid_signature");
        publish(&server, &[&new]);
        eventually("the new key is there", async || {
            verdict(&app, &after).await == "accepted"
        })
        .await;
        assert_eq!(verdict(&app, &before).await, "invalid_signature");
    });
}

#[test]
fn a_key_that_is_not_for_signatures_any_more_ends_its_tokens() {
    block_on(async {
        let (pair, other) = (Pair::ed25519("k"), Pair::ed25519("other"));
        let server = serve(&pair);
        let app = trusting_with(&server, SOON).await;
        let token = token_of(&server, &pair, "alice");
        assert_eq!(verdict(&app, &token).await, "accepted");
        let keys = [pair.jwk_but("use", "enc"), other.jwk.clone()];
        server.respond(Response::Set(set_of(&keys)));
        eventually("it is out of use", async || {
            verdict(&app, &token).await == "unknown_key"
        })
        .await;
    });
}

/// The cool-down after an unknown `kid` delays fetches for new keys, but not the
/// scheduled ones.
#[test]
fn a_flood_of_unknown_kids_does_not_keep_a_new_key_out() {
    block_on(async {
        let (old, new) = (Pair::ed25519("old"), Pair::p256("new"));
        let server = serve(&old);
        let app = trusting_with(&server, SOON).await;
        let flood = token_with_kid(&server, &old, Some("made up"));
        assert_eq!(verdict(&app, &flood).await, "unknown_key");
        publish(&server, &[&old, &new]);
        let token = token_of(&server, &new, "alice");
        eventually("the new key is there", async || {
            assert_eq!(verdict(&app, &flood).await, "unknown_key");
            verdict(&app, &token).await == "accepted"
        })
        .await;
    });
}

#[test]
fn bad_keys_in_a_set_leave_the_good_ones_at_work() {
    block_on(async {
        let (good, twin, weak) = (
            Pair::ed25519("good"),
            Pair::p256("twin"),
            Pair::rsa("weak", "RS256"),
        );
        let server = serve(&good);
        let keys = [
            json!({ "kty": "AKP", "alg": "ML-DSA-44", "kid": "future", "pub": "AA" }),
            twin.jwk.clone(),
            Pair::ed25519("twin").jwk,
            weak.jwk_but("e", "AQ"),
            json!(null),
            good.jwk_but("d", "c2VjcmV0"),
        ];
        server.respond(Response::Set(set_of(&keys)));
        let app = trusting(&server).await;
        let claims = claims_of(&server.url(), "alice");
        for (pair, code) in [
            (&good, "accepted"),
            (&twin, "unknown_key"),
            (&weak, "unknown_key"),
        ] {
            assert_eq!(
                verdict(&app, &pair.token_of(&claims)).await,
                code,
                "{}",
                pair.kid()
            );
        }
    });
}
