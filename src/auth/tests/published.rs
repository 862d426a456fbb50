//! The examples of the RFCs: RFC 7515 appendix A, RFC 7520 section 4, RFC 8037
//! appendix A.4. Those of RFC 7520 are in Wycheproof's file, too.

use serde_json::json;

use super::*;

/// The claims of RFC 7515, long expired, which is not checked here.
const JOE: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

const RSA_N: &str = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";

/// The key, the JWS, and its name.
fn public_examples() -> Vec<(&'static str, Value, String)> {
    let jws =
        |header: &str, payload: &str, signature: &str| format!("{header}.{payload}.{signature}");
    vec![
        (
            "RFC 7515 A.2, RS256",
            json!({ "kty": "RSA", "n": RSA_N, "e": "AQAB" }),
            jws(
                "eyJhbGciOiJSUzI1NiJ9",
                JOE,
                "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
            ),
        ),
        (
            "RFC 7515 A.3, ES256",
            json!({ "kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0" }),
            jws(
                "eyJhbGciOiJFUzI1NiJ9",
                JOE,
                "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
            ),
        ),
        (
            "RFC 7515 A.4, ES512",
            json!({ "kty": "EC", "crv": "P-521", "x": "AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk", "y": "ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2" }),
            jws(
                "eyJhbGciOiJFUzUxMiJ9",
                "UGF5bG9hZA",
                "AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0aw_7XdtAG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn",
            ),
        ),
        (
            "RFC 8037 A.4, EdDSA",
            json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }),
            jws(
                "eyJhbGciOiJFZERTQSJ9",
                "RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
                "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
            ),
        ),
    ]
}

#[test]
fn the_examples_of_key_pairs_verify_with_their_key_and_with_no_other() {
    let examples = public_examples();
    for (name, key, _) in &examples {
        let verifier = verifier_of_key(key);
        for (other, _, jws) in &examples {
            let verdict = verify_signature(&verifier, jws);
            assert_eq!(
                verdict.is_ok(),
                name == other,
                "{other} with the key of {name}"
            );
        }
    }
}

#[test]
fn the_example_of_a_shared_secret_verifies() {
    let secret = from_base64url(
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
    );
    let jws = format!(
        "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.{JOE}.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    );
    assert_eq!(verify_signature(&verifier_of_secret(&secret), &jws), Ok(()));
    let mut other = secret.clone();
    other[0] ^= 1;
    assert!(verify_signature(&verifier_of_secret(&other), &jws).is_err());
}

#[test]
fn the_example_without_a_signature_is_refused_whatever_is_configured() {
    let unsigned = format!("eyJhbGciOiJub25lIn0.{JOE}.");
    let keys: Vec<Value> = public_examples()
        .into_iter()
        .map(|(_, key, _)| key)
        .collect();
    let with_both = verifier_of_set(&set_of(&keys)).with_raw_secret(&[7; 32]);
    for verifier in [with_both, verifier_of_secret(&[7; 32])] {
        let verdict = verify_signature(&verifier, &unsigned);
        assert!(
            matches!(verdict, Err(Refusal::UnsupportedAlgorithm(_))),
            "{verdict:?}"
        );
    }
}

/// The examples are signatures, not API tokens.
#[test]
fn no_example_is_a_token_of_ours() {
    for (name, key, jws) in public_examples() {
        assert!(verifier_of_key(&key).verify(&jws, NOW).is_err(), "{name}");
    }
}
