//! Completes a PostgreSQL connection string with default parameters.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// Defaults; the URL takes precedence. libpq has no time limits by default: without
/// these a server that disappears blocks a thread for a quarter of an hour.
/// `tcp_user_timeout` is in milliseconds, the others are in seconds.
const PARAMETERS: [(&str, &str); 6] = [
    ("application_name", "todoward"),
    ("connect_timeout", "2"),
    ("keepalives_idle", "5"),
    ("keepalives_interval", "2"),
    ("keepalives_count", "2"),
    ("tcp_user_timeout", "5000"),
];

/// The connection string with the defaults for what it leaves out.
pub(super) fn complete(url: &str) -> String {
    with_authorities(with_parameters(url))
}

fn with_parameters(url: &str) -> String {
    let mut url = url.to_owned();
    for (name, value) in PARAMETERS {
        if !url.contains(&format!("{name}=")) {
            add(&mut url, name, value);
        }
    }
    url
}

fn add(url: &mut String, name: &str, value: &str) {
    url.push(if url.contains('?') { '&' } else { '?' });
    url.push_str(&format!("{name}={value}"));
}

/// Sets `sslrootcert` to the system's certificate authorities for
/// `sslmode=verify-full` without a file and for `sslrootcert=system`. For the former
/// libpq would look into the user's home, which a container does not have; for the
/// latter its bundled OpenSSL would look into a directory that no system uses.
fn with_authorities(mut url: String) -> String {
    const SYSTEM: &str = "sslrootcert=system";
    let says = |pair: &str| {
        let query = url.split_once('?').map_or("", |(_, query)| query);
        query.split('&').any(|it| it == pair)
    };
    let full = says("sslmode=verify-full");
    // libpq refuses `system` with a weaker mode, and rightly: all public authorities
    // without a check of the host name would trust any server.
    let says_system = says(SYSTEM) && (full || !url.contains("sslmode="));
    let says_nothing = full
        && !url.contains("sslrootcert=")
        && std::env::var_os("PGSSLROOTCERT").is_none()
        && !std::env::home_dir().is_some_and(|home| home.join(".postgresql/root.crt").exists());
    if !says_system && !says_nothing {
        return url;
    }
    let Some(file) = openssl_probe::probe().cert_file else {
        return url;
    };
    let file = utf8_percent_encode(&file.to_string_lossy(), NON_ALPHANUMERIC).to_string();
    if says_nothing {
        add(&mut url, "sslrootcert", &file);
        return url;
    }
    url = url.replace(SYSTEM, &format!("sslrootcert={file}"));
    if !full {
        // The mode that `sslrootcert=system` implies in libpq.
        add(&mut url, "sslmode", "verify-full");
    }
    url
}
