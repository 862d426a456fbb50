//! The bearer token: HS256, a subject, and an expiry that has not passed.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde::Deserialize;

use crate::App;

pub struct Keys {
    key: DecodingKey,
    validation: Validation,
}

impl Keys {
    pub fn of(secret: &[u8]) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_required_spec_claims(&["exp", "sub"]);
        validation.validate_aud = false;
        validation.leeway = 15;
        Self {
            key: DecodingKey::from_secret(secret),
            validation,
        }
    }
}

/// The subject of the token.
pub struct Owner(pub String);

impl FromRequestParts<Arc<App>> for Owner {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, StatusCode> {
        #[derive(Deserialize)]
        struct Claims {
            sub: String,
        }
        let header = parts.headers.get(header::AUTHORIZATION);
        let token = header
            .and_then(|header| header.to_str().ok())
            .and_then(|header| header.strip_prefix("Bearer "))
            .ok_or(StatusCode::UNAUTHORIZED)?;
        decode::<Claims>(token, &app.keys.key, &app.keys.validation)
            .map(|token| Self(token.claims.sub))
            .map_err(|_| StatusCode::UNAUTHORIZED)
    }
}
