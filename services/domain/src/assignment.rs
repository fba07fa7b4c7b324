//! Who can do which work where: service types, skills and zones.

/// A skill that covers every kind of work.
pub const ANY_SKILL: &str = "DEFAULT";

/// Score for a technician who can do the work.
pub const CAPABILITY_SCORE: i64 = 1000;

/// Score for a technician who serves the site's region.
pub const ZONE_SCORE: i64 = 200;

/// What every unfinished ticket of a technician takes off the score.
pub const LOAD_PENALTY: i64 = 10;

/// Number of recommendations unless asked otherwise.
pub const DEFAULT_LIMIT: usize = 5;

/// Trims, upper-cases and drops one trailing `_V<digits>`: `door_wont_latch_v2` becomes `DOOR_WONT_LATCH`.
pub fn normalise_service_type(text: &str) -> String {
    let mut name = text.trim().to_uppercase();
    if let Some((stem, version)) = name.rsplit_once("_V")
        && !version.is_empty()
        && version.bytes().all(|byte| byte.is_ascii_digit())
    {
        name.truncate(stem.len());
    }
    name
}

/// What a ticket is dispatched for: its incident type, else its summary, else anything.
pub fn dispatch_service_type(incident_type: Option<&str>, summary: &str) -> String {
    let source = incident_type.unwrap_or_else(|| match summary.trim() {
        "" => ANY_SKILL,
        summary => summary,
    });
    normalise_service_type(source)
}

/// What is known of a technician when an assignment is judged.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// Skills as stored.
    pub skills: &'a [String],
    /// Region the technician starts from.
    pub home_region: Option<&'a str>,
    /// Further regions as stored.
    pub regions: &'a [String],
}

impl Candidate<'_> {
    /// Whether a skill covers the normalised service type.
    pub fn can_do(&self, service_type: &str) -> bool {
        self.skills
            .iter()
            .map(|skill| normalise_service_type(skill))
            .any(|skill| skill == ANY_SKILL || skill == service_type)
    }

    /// Whether the home region or any further one is the site's; a site without region is served by everyone.
    pub fn serves(&self, region: Option<&str>) -> bool {
        let Some(region) = region.map(|text| text.trim().to_uppercase()).filter(|text| !text.is_empty())
        else {
            return true;
        };
        self.home_region
            .into_iter()
            .chain(self.regions.iter().map(String::as_str))
            .any(|own| own.trim().to_uppercase() == region)
    }

    /// The zone that is shown: home region, else the alphabetically greatest region; blank counts as none.
    pub fn zone(&self) -> Option<String> {
        let shown = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        match self.home_region {
            Some(home) => shown(home),
            None => self.regions.iter().filter_map(|region| shown(region)).max(),
        }
    }
}

/// What is known of a candidate besides skill, zone and load; what is unknown counts for nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Signals {
    /// Straight line to the site, in kilometres.
    pub distance_km: Option<f64>,
    /// The window lies within the working hours.
    pub within_hours: Option<bool>,
    /// Tickets at the same time.
    pub overlapping: i64,
    /// From 0 to 5.
    pub rating: Option<f64>,
}

/// Kilometres by road per kilometre of straight line: the usual detour factor of road networks.
const DETOUR: f64 = 1.3;

/// Kilometres per minute in mixed town and country traffic, 45 km/h.
const PACE: f64 = 0.75;

/// What a minute of travel, work outside the hours, each ticket at the same time, and each star above or below three
/// adds to the plain score.
const TRAVEL_POINTS: f64 = -1.0;
const OUTSIDE_HOURS_POINTS: i64 = -300;
const OVERLAP_POINTS: i64 = -400;
const RATING_POINTS: f64 = 20.0;

/// A score that says how it came about; the parts add up to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weighted {
    /// Skill, zone and load, as the plain score.
    pub plain: i64,
    /// For the way.
    pub travel: i64,
    /// For working hours.
    pub hours: i64,
    /// For other work at the same time.
    pub overlap: i64,
    /// For the rating.
    pub rating: i64,
}

impl Weighted {
    /// All parts together.
    pub const fn total(self) -> i64 {
        self.plain + self.travel + self.hours + self.overlap + self.rating
    }
}

impl Signals {
    /// Estimated minutes on the road.
    pub fn travel_minutes(&self) -> Option<i64> {
        #[expect(clippy::cast_possible_truncation, reason = "at most half the earth's circumference")]
        self.distance_km.map(|km| (km * DETOUR / PACE).round() as i64)
    }

    /// The plain score and what the signals add to it.
    pub fn weigh(&self, plain: i64) -> Weighted {
        #[expect(clippy::cast_possible_truncation, reason = "small numbers")]
        let points = |value: f64| value.round() as i64;
        #[expect(clippy::cast_precision_loss, reason = "minutes of one journey")]
        let travel = self.travel_minutes().map_or(0, |minutes| points(minutes as f64 * TRAVEL_POINTS));
        Weighted {
            plain,
            travel,
            hours: if self.within_hours == Some(false) { OUTSIDE_HOURS_POINTS } else { 0 },
            overlap: OVERLAP_POINTS * self.overlapping,
            rating: self.rating.map_or(0, |stars| points((stars - 3.0) * RATING_POINTS)),
        }
    }
}

/// How well a technician fits; more is better.
pub const fn score(capable: bool, in_zone: bool, active_load: i64) -> i64 {
    (if capable { CAPABILITY_SCORE } else { 0 }) + (if in_zone { ZONE_SCORE } else { 0 })
        - LOAD_PENALTY * active_load
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn service_types_lose_one_version_suffix() {
        for (text, expected) in [
            (" door_wont_latch_v2 ", "DOOR_WONT_LATCH"),
            ("A_V1_V2", "A_V1"),
            ("A_V", "A_V"),
            ("A_VX", "A_VX"),
            ("DEFAULT", "DEFAULT"),
        ] {
            assert_eq!(normalise_service_type(text), expected);
        }
        assert_eq!(dispatch_service_type(None, " leak "), "LEAK");
        assert_eq!(dispatch_service_type(None, " "), "DEFAULT");
        assert_eq!(dispatch_service_type(Some("x_v1"), "leak"), "X");
    }

    #[test]
    fn skills_and_regions_are_compared_without_case_and_any_region_counts() {
        let (skills, regions) = (vec!["door_wont_latch".to_owned()], vec!["tx".to_owned()]);
        let candidate = Candidate { skills: &skills, home_region: Some("CA"), regions: &regions };
        assert!(candidate.can_do("DOOR_WONT_LATCH") && !candidate.can_do("ROOF"));
        assert!(candidate.serves(Some("ca")) && candidate.serves(Some("TX")) && candidate.serves(Some(" ")));
        assert!(!candidate.serves(Some("NY")));
        assert_eq!(candidate.zone().as_deref(), Some("CA"));
        assert_eq!(Candidate { home_region: None, ..candidate }.zone().as_deref(), Some("tx"));
    }

    #[test]
    fn unknown_signals_change_nothing_and_known_ones_say_by_how_much() {
        assert_eq!(Signals::default().weigh(1200).total(), 1200);
        let known =
            Signals { distance_km: Some(30.0), within_hours: Some(false), overlapping: 1, rating: Some(4.5) };
        assert_eq!(known.travel_minutes(), Some(52));
        let weighted = known.weigh(1200);
        assert_eq!(weighted, Weighted { plain: 1200, travel: -52, hours: -300, overlap: -400, rating: 30 });
        assert_eq!(weighted.total(), 478);
    }

    #[test]
    fn load_lowers_the_score() {
        assert_eq!(score(true, true, 3), 1170);
        assert_eq!(score(true, false, 0), 1000);
    }
}
