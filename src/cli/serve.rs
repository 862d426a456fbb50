//! `todoward serve`: the server, and the signals that stop it.

use std::net::SocketAddr;
use std::process::ExitCode;

use actix_rt::System;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::Failure;
use crate::logging;
use crate::server::application::Application;
use crate::settings::Settings;

/// Serves until SIGTERM or SIGINT; `started` is called once it listens.
pub fn run(
    settings: &Settings,
    started: impl FnOnce(SocketAddr) -> Result<(), Failure>,
) -> Result<ExitCode, Failure> {
    let _logging = logging::start(settings.log_format);
    System::new().block_on(async {
        let (first, second) = (Stop::listen()?, Stop::listen()?);
        ignore_hangup()?;
        let application = Application::build(settings)?;
        let address = application.address();
        let metrics = application.metrics_address();
        let metrics = metrics.map_or_else(|| "off".to_owned(), |address| address.to_string());
        log::info!(
            address:% = address,
            database:debug = settings.database.url,
            metrics = metrics.as_str(),
            version = env!("CARGO_PKG_VERSION");
            "serving"
        );
        started(address)?;
        let stop_now = async move {
            let mut second = second;
            // This listener also receives the first signal, which begins the stop.
            second.next().await;
            second.next().await;
        };
        let stop = async move {
            let mut first = first;
            first.next().await;
        };
        application.run_until(stop, stop_now).await?;
        log::info!("stopped");
        Ok(ExitCode::SUCCESS)
    })
}

/// SIGTERM and SIGINT.
struct Stop {
    terminate: Signal,
    interrupt: Signal,
}

impl Stop {
    fn listen() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Ignores SIGHUP: closing a terminal must not end a server in the background.
fn ignore_hangup() -> std::io::Result<()> {
    let mut hangup = signal(SignalKind::hangup())?;
    actix_rt::spawn(async move { while hangup.recv().await.is_some() {} });
    Ok(())
}
