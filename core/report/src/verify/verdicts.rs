//! Whether figures, verdicts and the exit code follow from the records.

use std::fmt::Debug;

use drillyard_engine::verdict::exit;

use super::problem::Problem;
use super::scan::Scan;
use crate::manifest::Manifest;
use crate::record::CountsRecord;

pub(super) fn check(manifest: &Manifest, scan: &Scan, problems: &mut Vec<Problem>) {
    // The records after a bad one were not read, so they cannot contradict anything.
    if scan.broken {
        return;
    }
    let summary = &scan.summary;
    let mut differs = |what: &str, claimed: &dyn Debug, found: &dyn Debug| {
        let (claimed, found) = (format!("{claimed:?}"), format!("{found:?}"));
        if claimed != found {
            problems.push(Problem::Contradiction { what: what.to_owned(), claimed, found });
        }
    };
    differs("the run's name in the manifest", &manifest.run_id, &summary.run_id);
    differs("the facts in the manifest", &manifest.facts, &summary.facts);
    differs("the beginning in the manifest", &manifest.started_at, &summary.started_at);
    differs("the end in the manifest", &manifest.ended_at, &summary.ended_at);
    differs("the figures in the manifest", &manifest.counts, &summary.counts);
    differs("the exit code in the manifest", &manifest.exit_code, &summary.exit_code);
    differs("the number of verdicts in the manifest", &manifest.units.len(), &summary.units.len());
    for (claimed, found) in manifest.units.iter().zip(&summary.units) {
        differs(
            "a verdict in the manifest",
            &(&claimed.unit, claimed.verdict),
            &(&found.unit, found.verdict),
        );
    }
    for (unit, verdict, worst) in &scan.flattered {
        differs(&format!("the verdict of `{unit}` in the journal"), verdict, worst);
    }
    if let Some(counts) = summary.counts {
        differs("the figures in the journal", &counts, &scan.counted);
    }
    if let Some(claimed) = summary.exit_code {
        exit_code(claimed, scan, problems);
    }
}

/// An exit code that says what was proved has to be borne out by the units; the others tell of the runner itself.
fn exit_code(claimed: u8, scan: &Scan, problems: &mut Vec<Problem>) {
    let CountsRecord { passed, failed, inconclusive, aborted, snapshot } = scan.counted;
    let clean = failed + inconclusive + aborted + snapshot == 0;
    let holds = match claimed {
        exit::PASSED => passed > 0 && clean && scan.open.is_empty() && !scan.residue,
        exit::FAILED => failed > 0,
        exit::NOT_RAISED => failed == 0,
        exit::INCONCLUSIVE => inconclusive > 0 && failed + aborted == 0,
        exit::SNAPSHOT => snapshot > 0 && failed + aborted + inconclusive == 0,
        _ => true,
    };
    if !holds {
        problems.push(Problem::Contradiction {
            what: "the exit code in the journal".to_owned(),
            claimed: claimed.to_string(),
            found: format!(
                "{passed} passed, {failed} failed, {aborted} aborted, {inconclusive} inconclusive, {snapshot} with a \
                 snapshot to review, {} never ended, {}",
                scan.open.len(),
                if scan.residue { "something left behind" } else { "nothing left behind" }
            ),
        });
    }
}
