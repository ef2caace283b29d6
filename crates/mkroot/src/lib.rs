//! The packer: compiles a directory into a webroot.
//!
//! [`pack`] is the whole of it: walk → lay out → (classify → compress) → write. What is in
//! parentheses is done for each item on its own, on all cores.
#![forbid(unsafe_code)]

pub mod check;
mod classify;
mod compress;
pub mod config;
mod error;
mod extension;
mod finding;
mod heads;
mod listing;
mod output;
pub mod policy;
mod prepare;
mod progress;
mod rule;
mod site;
mod source;
mod text;
mod totals;
mod tree;
mod uses;
mod walk;
mod write;

use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use webroot::Coding;

pub use compress::Effort;
pub use error::{Error, ErrorKind};
pub use finding::{Finding, Severity};
pub use progress::Progress;
pub use totals::{CodingTotals, StepTotals, Totals};

use compress::encoder::Encoders;
use compress::pool::{self, Bounds};
use compress::previous::Previous;
use output::Output;
use policy::{Dialect, Policy};
use prepare::Context;
use site::Site;
use tree::Tree;
use write::SiteWriter;

/// Bytes of memory that items may take at a time, besides what is kept of each file.
const BUDGET: u64 = 128 << 20;
/// Most findings that are kept. What is found beyond is counted.
const MAX_FINDINGS: usize = 10_000;

/// What is packed, where to, and how.
#[derive(Debug, Clone)]
pub struct Options {
    /// The directory that holds the site.
    pub dir: PathBuf,
    /// The webroot, outside of `dir`: a new file, or a regular file that is replaced at the end.
    pub out: PathBuf,
    /// Latest time of modification in seconds since 1970, as in `SOURCE_DATE_EPOCH`; later ones
    /// are taken for it. `None` is now, because a `Last-Modified` in the future is not allowed
    /// (RFC 9110 §8.8.2.1).
    pub source_date_epoch: Option<i64>,
    /// The configuration, in place of `webroot.toml` in the tree.
    pub config: Option<PathBuf>,
    /// Whose reading of `_headers` and `_redirects` counts.
    pub dialect: Dialect,
    /// How much time is spent on compression.
    pub effort: Effort,
    /// The codings that variants are made in, in place of those that the configuration says.
    pub codings: Option<Vec<Coding>>,
    /// Where coded bodies of unchanged content are taken from.
    pub previous: PreviousWebroot,
    /// Generations for which fingerprinted files are kept that are gone from the tree.
    pub keep_assets: u8,
    /// Whether warnings count as errors.
    pub strict: bool,
    /// Threads that compress; `None` for one a core.
    pub threads: Option<usize>,
}

impl Options {
    /// What holds unless something else is said.
    pub fn new(dir: impl Into<PathBuf>, out: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            out: out.into(),
            source_date_epoch: None,
            config: None,
            dialect: Dialect::Strict,
            effort: Effort::Fast,
            codings: None,
            previous: PreviousWebroot::Replaced,
            keep_assets: 0,
            strict: false,
            threads: None,
        }
    }
}

/// Where coded bodies of unchanged content are taken from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PreviousWebroot {
    /// The file that is replaced, if it is there and is a webroot.
    Replaced,
    /// This webroot.
    Named(PathBuf),
    /// Nowhere: all is compressed anew.
    Nowhere,
}

/// What was packed.
#[derive(Debug, Clone)]
pub struct Report {
    /// In numbers.
    pub totals: Totals,
    /// What was found, in order of the files. At most ten thousand.
    pub findings: Vec<Finding>,
    /// Findings beyond those.
    pub more_findings: usize,
    /// The webroot that came of it.
    pub webroot: webroot::Summary,
    /// Time until the site was laid out, until all was written, and until it was on the disk.
    pub phases: [Duration; 3],
}

/// Packs a directory into a webroot and puts that in the place of `options.out`.
///
/// The same tree and options give the same bytes, whatever the order of names in the directories,
/// the number of threads, and the previous webroot, unless files are kept from that. That one is
/// mapped: a process that is not to be ended by what others do to its file calls
/// [`contain_faults`](webroot::contain_faults) before.
///
/// # Errors
/// The first thing that can't be packed, read or written, by name; or all findings that count as
/// errors. What was at `options.out` is untouched then, unless the very last step failed:
/// synchronising its directory.
pub fn pack(options: &Options, progress: &dyn Progress) -> Result<Report, Error> {
    let began = Instant::now();
    let tree = Tree::open(&options.dir)?;
    let output = Output::create(&options.out, tree.root())?;
    let latest = options.source_date_epoch.unwrap_or_else(now);
    let policy = Policy::read(&tree, options.config.as_deref(), options.dialect)?;

    let files = walk::walk(&tree, &|path| policy.ignores(path))?;
    policy.check_limits(&tree, &files)?;
    progress.begin(files.len(), files.iter().map(|file| file.seen.size).sum());

    let mut findings = Findings { strict: options.strict, ..Findings::default() };
    let previous = previous(options, &mut findings)?;
    let kept = site::kept(previous.as_ref(), &files, &policy, options.keep_assets);
    let mut site = site::lay_out(&files, &policy, kept);
    findings.add(policy.findings.iter().cloned());
    findings.add(check::check_names(files.iter().map(|file| file.path.as_slice())));
    findings.add(std::mem::take(&mut site.findings));
    findings.refuse_errors(tree.root())?;
    let laid_out = began.elapsed();

    let codings = options.codings.as_deref().unwrap_or(&policy.config.codings);
    let uses = uses::of(&site);
    let context = Context {
        tree: &tree,
        policy: &policy,
        site: &site,
        uses: &uses,
        latest,
        effort: options.effort,
        codings,
        previous: previous.as_ref(),
        same_paths: previous.as_ref().is_some_and(|previous| has_paths_of(previous, &site)),
    };
    let file = output.writable()?;
    let mut writer = SiteWriter::new(&tree, &policy, &site, &uses, file, &options.out, latest)?;
    let batches = prepare::batches(&context);
    let weights: Vec<u64> = batches.iter().map(|batch| batch.weight).collect();
    let threads = options.threads.unwrap_or_else(cores);
    pool::in_order(
        &weights,
        Bounds { threads, budget: BUDGET },
        || Encoders::new(options.effort),
        |encoders, batch| {
            let items = batches.get(batch).map_or(0..0, |batch| batch.items.clone());
            let numbered = items.filter_map(|number| Some((number, site.items.get(number)?)));
            numbered
                .map(|(number, item)| (number, prepare::prepare(number, item, &context, encoders)))
                .collect::<Vec<_>>()
        },
        |_, prepared| {
            for (number, prepared) in prepared {
                let mut prepared = prepared?;
                findings.add(std::mem::take(&mut prepared.findings));
                let size = prepared.size;
                writer.write(number, prepared)?;
                progress.advance(size);
            }
            Ok::<_, Error>(())
        },
    )?;
    findings.refuse_errors(tree.root())?;
    let (webroot, totals) = writer.finish()?;
    let written = began.elapsed();
    output.commit()?;
    let synchronised = began.elapsed();
    Ok(Report {
        totals,
        findings: findings.list,
        more_findings: findings.more,
        webroot,
        phases: [laid_out, written - laid_out, synchronised - written],
    })
}

/// Opens the previous webroot. One that can't be used costs time and nothing else, unless it was
/// asked for by name.
fn previous(options: &Options, findings: &mut Findings) -> Result<Option<Previous>, Error> {
    let path = match &options.previous {
        PreviousWebroot::Nowhere => return Ok(None),
        PreviousWebroot::Named(path) => path,
        PreviousWebroot::Replaced if !options.out.exists() => return Ok(None),
        PreviousWebroot::Replaced => &options.out,
    };
    match Previous::open(path) {
        Ok(previous) => Ok(Some(previous)),
        Err(why) if options.previous != PreviousWebroot::Replaced => {
            Err(Error::new(path, ErrorKind::Previous(why)))
        }
        Err(why) => {
            findings.add([Finding {
                severity: Severity::Warning,
                kind: "previous-unusable",
                file: options.out.as_os_str().as_encoded_bytes().to_vec(),
                line: 0,
                column: 0,
                message: format!("nothing is taken from the file that is replaced: {why}"),
            }]);
            Ok(None)
        }
    }
}

/// Whether the previous webroot answers the very paths that the site does.
fn has_paths_of(previous: &Previous, site: &Site<'_>) -> bool {
    let mut count = 0;
    for resource in previous.webroot().resources() {
        match resource {
            Ok(resource) if resource.scope().is_some() => {}
            Ok(resource) if site.answers.get(resource.path()).is_some() => count += 1,
            _ => return false,
        }
    }
    count == site.answers.len()
        && site.rules.len() == 0
        && previous.webroot().rules().next().is_none()
        && previous.webroot().is_intact()
}

/// What was found so far.
#[derive(Default)]
struct Findings {
    list: Vec<Finding>,
    /// Findings that are not in the list.
    more: usize,
    errors: usize,
    strict: bool,
}

impl Findings {
    fn add(&mut self, findings: impl IntoIterator<Item = Finding>) {
        for finding in findings {
            self.errors += usize::from(self.strict || finding.severity == Severity::Error);
            if self.list.len() < MAX_FINDINGS {
                self.list.push(finding);
            } else {
                self.more += 1;
            }
        }
    }

    fn refuse_errors(&mut self, root: &std::path::Path) -> Result<(), Error> {
        if self.errors == 0 {
            return Ok(());
        }
        Err(Error::new(root, ErrorKind::Findings(std::mem::take(&mut self.list))))
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Seconds since 1970.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
