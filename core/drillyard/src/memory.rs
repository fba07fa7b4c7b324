//! How many lanes the machine's memory holds.

/// What a lane of the dispatch stack takes at most, services and its part of the database: 4 services of some 25 MB
/// each, unoptimised, and 12 MB of database, measured; rounded up to leave room for what a drill does.
const LANE_MIB: u64 = 256;

/// How many lanes fit into the memory that is free; nothing where nobody can tell.
#[must_use]
pub fn lanes() -> Option<usize> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    lanes_in(&text)
}

fn lanes_in(meminfo: &str) -> Option<usize> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let free_kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    usize::try_from(free_kib / 1024 / LANE_MIB).ok().map(|lanes| lanes.max(1))
}

#[cfg(test)]
mod tests {
    use super::lanes_in;

    #[test]
    fn a_small_machine_gets_at_least_one_lane() {
        let text = |kib: u64| format!("MemTotal: 1 kB\nMemAvailable:  {kib} kB\n");
        assert_eq!(lanes_in(&text(1024 * 1024)), Some(4));
        assert_eq!(lanes_in(&text(1024)), Some(1));
        assert_eq!(lanes_in("nothing"), None);
    }
}
