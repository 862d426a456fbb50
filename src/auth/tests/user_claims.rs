//! What the claims of a good token say beyond who the user is.

use super::*;
use crate::auth::Claims;

/// The claims of a good token with this beside `sub` and `exp`.
fn claims_with(name: &str, value: Value) -> Claims {
    let pair = Pair::ed25519("k");
    let mut claims = json!({ "sub": "alice", "exp": NOW + 900.0 });
    claims[name] = value;
    let token = pair.token_of(&claims);
    verifier_of_key(&pair.jwk).verify(&token, NOW).unwrap()
}

#[test]
fn a_token_is_fresh_up_to_its_max_age_and_not_a_moment_longer() {
    let claims = claims_with("iat", json!(NOW));
    for age in [-1.0, 0.0, 299.5, 300.0] {
        assert_eq!(claims.check_fresh(300.0, NOW + age), Ok(()), "{age}");
    }
    for age in [300.5, 301.0, 900.0] {
        let result = claims.check_fresh(300.0, NOW + age);
        let Err(Refusal::Expired(why)) = result else {
            panic!("{age}: {result:?}");
        };
        assert!(why.starts_with("the token is too old for this"), "{why}");
    }
}

#[test]
fn a_token_that_does_not_say_how_old_it_is_is_not_fresh() {
    let result = claims_with("name", json!("Alice")).check_fresh(300.0, NOW);
    let Err(Refusal::Expired(why)) = result else {
        panic!("{result:?}");
    };
    assert!(why.starts_with("the token has no iat"), "{why}");
}

#[test]
fn a_user_is_anonymous_only_if_the_token_says_true() {
    assert!(claims_with("isAnonymous", json!(true)).is_anonymous());
    for other in [json!(false), json!(null), json!("true"), json!(1)] {
        assert!(
            !claims_with("isAnonymous", other.clone()).is_anonymous(),
            "{other}"
        );
    }
    assert!(!claims_with("user", json!({ "isAnonymous": true })).is_anonymous());
}
