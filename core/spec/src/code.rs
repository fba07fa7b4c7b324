//! Every kind of mistake the texts can have, with what `drillyard explain` says about it.

use std::fmt;

use serde::{Serialize, Serializer};

macro_rules! codes {
    ($($name:ident $code:literal $title:literal $explanation:literal)*) => {
        /// A kind of mistake. Codes are never reused.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = $title] $name,)*
        }

        impl Code {
            /// Every code, in order.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The code as it is printed, such as `DY010`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// The mistake in a few words.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }

            /// What it means and what to do, a paragraph or two.
            #[must_use]
            pub const fn explanation(self) -> &'static str {
                match self { $(Self::$name => $explanation,)* }
            }
        }
    };
}

codes! {
    NotYaml "DY001" "The file is not YAML"
        "The parser could not read the text. The place is where it gave up, which is often just after the mistake: look for a quote or a bracket that is not closed, a tab in the indentation, or a `:` inside unquoted text."
    EmptyFile "DY002" "The file says nothing"
        "An empty file, or one with only comments, would be a drill that proves nothing and passes. Write the drill or remove the file."
    RepeatedKey "DY003" "A key is written twice"
        "YAML readers let the last of two equal keys win without a word, so one half of what was written would be ignored. Keep one of them."
    NotUtf8 "DY004" "The file is not UTF-8"
        "Drills, features and topologies are UTF-8 text. Save the file again with that encoding."
    UnknownKey "DY010" "A key nobody reads"
        "The key is not part of the language at this place. A misspelt key would otherwise be skipped in silence and the check behind it would never run. The help line names the nearest valid key or lists those that are valid here."
    MissingKey "DY011" "A key is missing"
        "The mapping cannot be understood without this key. `drillyard explain` with the action's name, or the reference in README.md, shows a whole example."
    WrongType "DY012" "A value of the wrong kind"
        "For example a list where text belongs. Numbers and booleans are not read as text, because `1.10` and `yes` would silently change; put them in quotes if text is meant."
    BadDuration "DY013" "A duration without a unit"
        "Durations are whole numbers with a unit: `250ms`, `5s`, `2m`, `1h`. A bare number could be any of them."
    EmptyText "DY014" "Text that is blank"
        "The value consists of white space only."
    NoSteps "DY020" "A drill without a step"
        "A drill or block with no step does nothing and would pass. Add a step, or remove the file."
    NoChecks "DY021" "A drill that checks nothing"
        "No step of the drill has an expectation or a snapshot, so it could never fail. Add `expect:` to at least one step."
    EmptyExpect "DY022" "An expectation without content"
        "`expect: {}` would hold whatever comes back. Say what is expected, or remove the key."
    NoAction "DY030" "A step without an action"
        "Every step has exactly one action: `http`, `tool`, `sql`, `object`, `alerts`, `use`, `let` or `note`."
    TwoActions "DY031" "A step with two actions"
        "Every step has exactly one action. Split the step in two."
    BadAction "DY032" "An action that cannot be carried out"
        "The action's own words do not fit together, for example an HTTP action with two methods or a path that does not begin with a service's name."
    UnknownService "DY040" "A service the topology does not have"
        "Addresses begin with the name of a service of the topology: `dispatch-api/tickets`. The services are the keys of `services:` in the Compose file."
    UnknownIdentity "DY041" "An identity the topology does not have"
        "`as:` names one of `x-drillyard.identities` of the topology."
    UnknownName "DY042" "A name that is not bound"
        "`${name}` refers to something that was saved, passed or let before this point. Names are bound by `save:`, `let:`, `vars:` and the arguments of `use:`, and the built-in ones are `now`, `fresh.uuid`, `lane.name`, `lane.bucket` and `run.seed`."
    BadTemplate "DY043" "A `${…}` that cannot be read"
        "Templates are `${name}`, `${name.field}`, `${name[0].field}`, `${now}`, `${now + 2h}` or `${fresh.uuid}`. Write `$${` for a literal `${`."
    BadMarker "DY044" "A marker that does not exist"
        "In an expectation, text that begins with `#` is a marker: `#uuid`, `#time`, `#int`, `#int > 0`, `#number`, `#text`, `#bool`, `#null`, `#any`, `#absent`, `#list`, `#object`, `#regex …`, `#contains …`. Write `##…` for literal text that begins with `#`."
    UnknownField "DY045" "A field the answer does not have"
        "Each action's answer has fixed fields: `status`, `headers` and `body` for HTTP and tools, `rows` and `row_count` for SQL, and so on. The help line lists those of this action."
    BadPath "DY046" "A path that cannot be read"
        "Paths into an answer look like `body.id`, `body.items[0].name` or `rows[0].count`."
    UnknownBlock "DY050" "A block that is not there"
        "`use: steps/name` includes `drills/steps/name.yaml`. The path is relative to `drills/` and written without the ending."
    BlockCycle "DY051" "Blocks that use each other"
        "A block includes itself, directly or through others, and would never end."
    OutsideProject "DY052" "A path outside the project"
        "Paths are relative and stay inside the project; `..` and absolute paths are refused."
    BlockArguments "DY053" "Arguments that do not fit the block"
        "A block lists the names it needs under `args:`; each must be given with `with:` or be bound already, and no other may be given."
    RepeatedName "DY054" "A name that is taken"
        "Two drills, or two steps of one drill, have the same name, so a report or a filter could not tell them apart."
    NotABlock "DY055" "A file of the other kind"
        "Files with `drill:` are run; files with `block:` are included by `use:`. One cannot stand in for the other."
    BadTopology "DY060" "A topology that does not fit together"
        "The Compose file or its `x-drillyard` keys contradict each other; the message says how."
    BadTarget "DY061" "A target that cannot be used"
        "A file under `ops/targets` says where a system is that is up already and what drills may do to it; the message says what does not fit. A target is protected when it says so or when its name or a host says `prod`: what it allows has to be confirmed by `i_know_this_is_protected: <name>`, and faults and load are never allowed there."
    NotGherkin "DY070" "The file is not Gherkin"
        "The parser could not read the feature. A feature begins with `Feature:`; steps begin with `Given`, `When`, `Then`, `And`, `But` or `*`."
    SwallowedLine "DY071" "A line that Gherkin swallows as description"
        "Gherkin takes any line it does not recognise after `Feature:` or `Scenario:` as free description, so a misspelt keyword (`Givn`, `Scenrio:`) removes a step or a whole scenario without an error. Descriptions are allowed only directly below `Feature:` and must not look like a keyword."
    EmptyFeature "DY072" "A feature without a scenario"
        "It would pass without having checked anything."
    EmptyScenario "DY073" "A scenario without a step"
        "It would pass without having checked anything."
    UnknownPhrase "DY074" "A sentence no phrase matches"
        "Sentences come from the built-in vocabulary and from `features/vocabulary.yaml`. The help line shows the nearest known sentences; `drillyard list --phrases` prints all."
    AmbiguousPhrase "DY075" "A sentence that two phrases match"
        "The sentence could mean either; make one of the phrases narrower."
    NothingChecked "DY076" "A scenario that checks nothing"
        "None of the scenario's sentences has an expectation or a snapshot, so it could never fail. Add a `Then`."
    BadPhrase "DY077" "A phrase that cannot be read"
        "A phrase of the vocabulary is a cucumber expression such as `I create a ticket {string}`; its parameters are bound to the names under `args:` in order."
    RaggedTable "DY078" "A table whose rows differ in length"
        "Every row of a data table or of examples has as many cells as its header."
    NothingToFill "DY079" "A table or text that does not fit the sentence"
        "A sentence followed by a data table or a docstring needs a phrase that asks for `${table}` or `${text}`, and a phrase that asks for one needs it to be there; otherwise what was written would be ignored, or be that of another sentence."
    MissingRunbook "DY080" "A runbook that is not there"
        "`runbook:` names a Markdown file of the project."
    UnknownHeading "DY081" "A runbook step that is not there"
        "`covers:` names a heading of the runbook, or a heading and the number of a list item under it: `Remediation/1`."
    NeverTrue "DY100" "A condition that is never true"
        "`when:` names axes of the drill's matrix, or `backend`, and values these can have. A step whose condition no cell and no backend meets would never run, and would look as if it had passed."
    NoCell "DY101" "A matrix without a cell"
        "Every axis of `matrix:` is a list with at least one value, each once; otherwise no unit would run, or one would run twice under the same name."
    EmptyLoop "DY102" "A loop over nothing"
        "`each:` needs a list with at least one element and at least one step; `parallel:` needs at least two lists of steps, none of them empty. A loop that does nothing proves nothing."
    UnknownDrill "DY103" "A drill that is not there"
        "`needs:` names drills of this project, with or without the folder: `drills/smoke` or `smoke`."
    NeedCycle "DY104" "Drills that need each other"
        "A drill needs itself, directly or through others, and could never begin."
    NotGranted "DY105" "A program that is not granted"
        "`exec:` runs only the programs that the topology lists under `x-drillyard.exec`, so that reading the topology tells what a drill can do to the machine."
    BadSchema "DY106" "A JSON Schema that cannot be used"
        "`schema:` names a JSON file of the project that is a JSON Schema, such as `drills/schemas/ticket.json`."
    NotAnswered "DY110" "A request that nobody answers"
        "The topology names the service's OpenAPI document (`openapi:` of the service) or the manifest of the tools (`manifest:` under `tools:`), and it has no such path, method, query parameter or tool. A step that expects 404, 405 or any status is not looked at."
    BadBody "DY111" "A body that does not fit"
        "The service's OpenAPI document, or the manifest of the tools, says what the body or the arguments look like: a member is missing or misspelt, or has the wrong type. Values from templates count as of any type. A step that expects a refusal is not looked at, since its body may be wrong on purpose."
    NoTexts "DY090" "No drill and no feature"
        "The project has no drill under `drills/` and no feature under `features/`, so there is nothing to check or run."
}

impl Code {
    /// Whether the text says nothing at all or could not fail, rather than something wrong.
    #[must_use]
    pub const fn proves_nothing(self) -> bool {
        matches!(
            self,
            Self::EmptyFile
                | Self::NoTexts
                | Self::EmptyFeature
                | Self::EmptyScenario
                | Self::NothingChecked
                | Self::NoSteps
                | Self::NoChecks
                | Self::EmptyExpect
                | Self::NoCell
                | Self::EmptyLoop
        )
    }

    /// The code written as `text`, in any case.
    #[must_use]
    pub fn find(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str().eq_ignore_ascii_case(text.trim()))
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
