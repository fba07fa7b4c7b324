//! How long a cold start and a lane take. Prints; asserts nothing.

use std::process::ExitCode;
use std::time::Instant;

use crate::world::{self, TOPOLOGY, World};

/// `measure [COUNT [COMPOSE_FILE PROJECT_ROOT BIN_DIR]]`.
#[expect(clippy::print_stdout, reason = "it prints its figures")]
pub fn measure(args: &[&str]) -> ExitCode {
    let count: usize = args.first().and_then(|text| text.parse().ok()).unwrap_or(20);
    let text = args.get(1).map_or_else(|| TOPOLOGY.to_owned(), |file| std::fs::read_to_string(file).unwrap());
    let world = World::named(&format!("measure{}", std::process::id()));
    let mut options = world.options();
    if let Some(root) = args.get(2) {
        options.project_root = root.into();
        options.bin_dir = args.get(3).map(Into::into);
    }
    let residue = world::block_on(async {
        let begun = Instant::now();
        let (events, mut said) = drillyard_engine::event::EventSink::channel();
        let stack = drillyard_engine::stack::Stack::raise(&world::read(&text), options, events)
            .await
            .map_err(|e| e.full())
            .unwrap();
        println!("stack ready after {} ms", begun.elapsed().as_millis());
        let (mut raised, mut closed) = (Vec::new(), Vec::new());
        for number in 0..count {
            let begun = Instant::now();
            let lane =
                stack.lane(world::request(&format!("lane {number}"))).await.map_err(|e| e.full()).unwrap();
            raised.push(begun.elapsed().as_micros());
            let begun = Instant::now();
            assert!(lane.close().await.is_empty());
            closed.push(begun.elapsed().as_micros());
        }
        print_spread("lane ready", &mut raised);
        print_spread("lane closed", &mut closed);
        let begun = Instant::now();
        let residue = stack.down().await;
        println!("stack down after {} ms", begun.elapsed().as_millis());
        let mut shown = 0;
        while let (Ok(stamped), true) = (said.try_recv(), shown < 14) {
            if let drillyard_engine::event::Event::Service { service, lane, took, state, .. } = stamped.event
            {
                println!("  {service} {lane:?} {} after {} ms", state.as_str(), took.as_millis());
                shown += 1;
            }
        }
        residue
    });
    println!("residue: {residue:?}");
    ExitCode::SUCCESS
}

#[expect(clippy::print_stdout, reason = "it prints its figures")]
fn print_spread(what: &str, micros: &mut [u128]) {
    micros.sort_unstable();
    let at = |share: usize| micros[(micros.len() - 1) * share / 100] as f64 / 1000.0;
    println!(
        "{what}: n {} min {:.1} p50 {:.1} p95 {:.1} max {:.1} ms",
        micros.len(),
        at(0),
        at(50),
        at(95),
        at(100)
    );
}
