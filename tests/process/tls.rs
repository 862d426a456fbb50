//! PostgreSQL over TLS, as hosted databases require it: certificates are verified, and no
//! password is ever shown.

use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::json;
use tempfile::TempDir;

use crate::binary::{Done, SOON, run};
use crate::metrics::{free_port, metrics};
use crate::server::{Server, eventually};
use crate::support::block_on;
use crate::support::postgres::{Cluster, execute_in};

/// A password with characters that must be percent-encoded in a URL.
const PASSWORD: &str = "p%40ss-w%2Ford-canary";

pub type Authority = CertifiedIssuer<'static, KeyPair>;

pub fn authority(name: &str) -> Authority {
    let mut params = CertificateParams::new([]).unwrap();
    params
        .distinguished_name
        .push(rcgen::DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A PostgreSQL whose certificate is for `db.example`.
struct Hosted {
    cluster: Cluster,
    directory: TempDir,
}

impl Hosted {
    fn start() -> Self {
        let ours = authority("ours");
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["db.example".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &ours).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(directory.path().join(name), text);
        write("ours.crt", &ours.pem()).unwrap();
        write("other.crt", &authority("other").pem()).unwrap();

        let mut cluster = Cluster::create();
        cluster.start();
        let maintenance = format!("{}/postgres", cluster.url);
        execute_in(
            &maintenance,
            "CREATE ROLE tls_user LOGIN PASSWORD 'p@ss-w/ord-canary'",
        );
        execute_in(
            &maintenance,
            "CREATE DATABASE hosted OWNER tls_user ENCODING 'UTF8' TEMPLATE template0",
        );
        cluster.stop("INT");
        cluster.require_tls(&certificate.pem(), &key.serialize_pem());
        cluster.start();
        Self { cluster, directory }
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// A URL that names `host` and leads to this server.
    fn url(&self, host: &str, parameters: &str) -> String {
        let (_, port) = self.cluster.url.rsplit_once(':').unwrap();
        format!(
            "postgres://tls_user:{PASSWORD}@{host}:{port}/hosted?hostaddr=127.0.0.1&{parameters}"
        )
    }

    fn verified_by(&self, host: &str, authority: &str) -> String {
        let file = self.file(authority).display().to_string();
        self.url(host, &format!("sslmode=verify-full&sslrootcert={file}"))
    }

    fn migrate(&self, url: &str, more: &[(&str, &str)]) -> Done {
        let variables = [&[("DATABASE_URL", url)], more].concat();
        run(self.path(), &["migrate"], &variables)
    }
}

fn shows_no_password(text: &str) {
    for part in ["canary", PASSWORD, "p@ss"] {
        assert!(!text.contains(part), "{text}");
    }
}

#[test]
fn a_database_that_wants_tls_is_served_and_one_that_is_not_who_it_says_is_not() {
    let hosted = Hosted::start();
    for good in [
        hosted.url("db.example", "sslmode=require"),
        hosted.url("db.example", "sslmode=require&channel_binding=require"),
        hosted.verified_by("db.example", "ours.crt"),
        hosted.verified_by("db.example", "ours.crt") + "&channel_binding=require",
    ] {
        let done = hosted.migrate(&good, &[]).succeeded();
        shows_no_password(&(done.out + &done.err));
    }
    for (bad, why) in [
        (hosted.url("db.example", "sslmode=disable"), "no encryption"),
        (
            hosted.verified_by("db.example", "other.crt"),
            "certificate verify failed",
        ),
        (
            hosted.verified_by("evil.example", "ours.crt"),
            "does not match host name \"evil.example\"",
        ),
        (hosted.verified_by("db.example", "none.crt"), "none.crt"),
        (
            hosted
                .url("db.example", "sslmode=require")
                .replace("canary", "wrong-canary"),
            "password authentication failed",
        ),
    ] {
        let done = hosted.migrate(&bad, &[]).failed(1);
        assert!(done.err.contains(why), "{why}: {done:?}");
        shows_no_password(&done.err);
    }
}

#[test]
fn verify_full_without_a_file_and_the_word_system_mean_the_authorities_of_the_system() {
    let hosted = Hosted::start();
    let (ours, other) = (hosted.file("ours.crt"), hosted.file("other.crt"));
    let system = |file: &Path| file.display().to_string();
    for parameters in [
        "sslmode=verify-full",
        "sslrootcert=system",
        "sslmode=verify-full&sslrootcert=system",
    ] {
        let url = hosted.url("db.example", parameters);
        hosted
            .migrate(&url, &[("SSL_CERT_FILE", &system(&ours))])
            .succeeded();
        let done = hosted
            .migrate(&url, &[("SSL_CERT_FILE", &system(&other))])
            .failed(1);
        assert!(
            done.err.contains("certificate verify failed"),
            "{parameters}: {done:?}"
        );
        let url = hosted.url("evil.example", parameters);
        let done = hosted
            .migrate(&url, &[("SSL_CERT_FILE", &system(&ours))])
            .failed(1);
        assert!(
            done.err.contains("does not match host name"),
            "{parameters}: {done:?}"
        );
    }
}

#[test]
fn a_server_works_over_tls_and_says_without_the_password_why_it_cannot() {
    block_on(async {
        let hosted = Hosted::start();
        for (number, url) in [
            hosted.verified_by("db.example", "ours.crt"),
            hosted.url("db.example", "sslmode=require&channel_binding=require"),
        ]
        .iter()
        .enumerate()
        {
            let port = free_port();
            let variables = [("TODOWARD__METRICS__PORT", port.as_str())];
            let server = Server::start(hosted.path(), url, &variables).await;
            let alice = server.user(&format!("alice-{number}"));
            alice.create(json!({ "title": "over TLS" })).await;
            eventually("pipelines are over TLS, too", SOON, async || {
                assert_eq!(alice.titles("").await, ["over TLS"]);
                let none = "\ntodoward_db_pipelined_total 0\n";
                (!metrics(&port).await.contains(none)).then_some(())
            })
            .await;
            shows_no_password(&server.stop().await);
        }

        let server = Server::listening(
            hosted.path(),
            &hosted.verified_by("db.example", "other.crt"),
            &[],
        )
        .await;
        let response = server.user("alice").get("/api/v1/tasks").await;
        let said = response
            .expect_problem(503, "database_unavailable")
            .text()
            .to_owned();
        assert!(!said.contains("certificate"), "{said}");
        server.logs("certificate verify failed").await;
        shows_no_password(&server.stop().await);
    });
}
