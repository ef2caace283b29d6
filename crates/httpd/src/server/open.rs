//! What is opened before the daemon gives up what serving does not need.

use std::sync::Arc;

use crate::access;
use crate::admin;
use crate::config::{Backend, Config};
use crate::io::{self, Kind};
use crate::listen::{self, Inheritance, Listeners};
use crate::log::{info, warning};
use crate::metrics::Metrics;

use super::Error;

/// All that needs more than serving does.
pub(super) struct Opened {
    pub(super) backend: Kind,
    pub(super) log: Option<access::Opened>,
    pub(super) listeners: Listeners,
    pub(super) admin: Option<admin::Socket>,
    pub(super) metrics: Option<Arc<Metrics>>,
}

impl Opened {
    /// Opens it, the sockets of `inheritance` where they are asked for.
    pub(super) fn open(config: &Config, inheritance: &mut Inheritance) -> Result<Self, Error> {
        let backend = choose(config)?;
        let log = config.access_log.as_ref().map(access::Opened::new).transpose();
        let log = log.map_err(Error::Log)?;
        if config.direct.is_some() && backend != Kind::IoUring {
            warning!(
                "--direct does not work with {}: bodies go through the page cache",
                backend.name()
            );
        }
        config.limits.tell_unreachable();
        let mut for_admin = inheritance.admin();
        let listeners = listen::bind(&config.listen, config.workers, inheritance);
        let mut listeners = listeners.map_err(Error::Listen)?;
        let admin = config.admin.as_ref().map(|admin| admin::Socket::open(admin, &mut for_admin));
        let admin = admin.transpose().map_err(Error::Admin)?;
        for_admin.finish();
        listeners.handed.extend(admin.iter().flat_map(admin::Socket::handed));
        let metrics = admin.as_ref().map(|_| Metrics::new(config, backend.name()).map(Arc::new));
        let metrics = metrics.transpose();
        let metrics = metrics.map_err(|error| Error::System("look into /proc", error))?;
        Ok(Self { backend, log, listeners, admin, metrics })
    }
}

/// The backend to run: the one that was named, or the one that takes the least processor time for
/// what is asked of it (docs/BENCHMARKS.md).
fn choose(config: &Config) -> Result<Kind, Error> {
    match config.backend {
        Backend::Sync => Ok(Kind::Sync),
        Backend::Sendfile => Ok(Kind::Sendfile),
        Backend::IoUring => io::probe().map(|()| Kind::IoUring).map_err(Error::Backend),
        Backend::Auto if config.direct.is_none() => Ok(Kind::Sendfile),
        Backend::Auto => Ok(match io::probe() {
            Ok(()) => Kind::IoUring,
            Err(unavailable) => {
                info!("{unavailable}: using sendfile instead");
                Kind::Sendfile
            }
        }),
    }
}
