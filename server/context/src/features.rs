//! The evidence that a body will use a symbol, and what each piece of it weighs.
//!
//! [`FEATURES`] is the whole ranker: the weights are those of a logistic regression, so their sum is turned into a
//! probability by [`chance`]. A ranker that learns from the workspace replaces this table and nothing else.

/// One kind of evidence.
#[derive(Clone, Copy, Debug)]
pub struct FeatureInfo {
    pub name: &'static str,
    /// How much a value of one adds to the log-odds of use.
    pub weight: f32,
    /// The reason as a reader sees it; `{}` is the symbol through which the evidence leads.
    pub reason: &'static str,
}

macro_rules! features {
    ($($feature:ident $name:literal $weight:literal $reason:literal)*) => {
        /// Index into [`FEATURES`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Feature { $($feature),* }

        /// The kinds of evidence, in the order of [`Feature`].
        pub const FEATURES: &[FeatureInfo] = &[$(FeatureInfo {
            name: $name,
            weight: $weight,
            reason: $reason,
        }),*];
    };
}

features! {
    BodyUse        "body-use"        5.0  "the target's code uses it"
    Signature      "signature"       0.5  "named in the target's signature or decorators"
    DocMention     "doc-mention"     0.3  "mentioned in the target's docstring"
    Overridden     "overridden"      3.9  "the target overrides it"
    OwnMember      "own-member"      0.5  "a member of the target's class {}"
    OwnBase        "own-base"        0.5  "a base of the target's class"
    TypeMember     "type-member"     0.8  "a member of {}, a type in the target's signature"
    AttributeMember "attribute-member" 0.3 "a member of {}, the type of an attribute at hand"
    Imported       "imported"        0.35 "imported by the target's file"
    UnusedImport   "unused-import"   2.8  "imported by the target's file and not used there yet"
    ImportedMember "imported-member" 1.1  "a member of {}, which an imported name leads to"
    ModuleImported "module-imported" 1.2  "in a module that the target's file imports"
    ModuleNear     "module-near"     4.3  "in a module close by in the import graph"
    Similar        "similar"         7.8  "used by {}, which resembles the target"
    WithType       "with-type"       2.6  "often used where {} is at hand"
    SameName       "same-name"       2.7  "used by {}, which has the target's name"
    Connected      "connected"       0.57 "well connected to the target in the graph"
    NameWords      "name-words"      1.5  "shares words with the target's name"
    DocWords       "doc-words"       1.1  "shares words with the target's docstring"
    Caller         "caller"          0.5  "calls the target"
    Sibling        "sibling"         -3.0 "next to the target in its file"
    Popular        "popular"         0.3  "used all over the workspace"
    PopularClass   "popular-class"   -0.12 "of a class used all over the workspace"
    Unused         "unused"         0.5  "used by nobody yet"
    UnusedPrivate  "unused-private" 0.5  "private and used by nobody yet"
    SpecialMethod  "special-method"  -2.1 "a special method"
    Private        "private"         -1.5 "private"
}

/// The log-odds of use when there is no evidence at all.
pub(crate) const BASE: f32 = -13.5;

/// Through nothing.
const NOWHERE: u32 = u32::MAX;

/// The evidence for one unit: a value for each feature, and the unit through which it leads.
#[derive(Clone)]
pub(crate) struct Row {
    values: [f32; FEATURES.len()],
    via: [u32; FEATURES.len()],
}

impl Row {
    pub(crate) const EMPTY: Row = Row { values: [0.0; FEATURES.len()], via: [NOWHERE; FEATURES.len()] };

    /// Notes evidence; of several pieces of one kind the strongest counts.
    pub(crate) fn raise(&mut self, feature: Feature, value: f32, via: Option<usize>) {
        let slot = feature as usize;
        if value > self.values[slot] {
            self.values[slot] = value;
            self.via[slot] = via.map_or(NOWHERE, |unit| unit as u32);
        }
    }

    /// Adds to what was noted; remembers the first way that led here.
    pub(crate) fn add(&mut self, feature: Feature, value: f32, via: usize) {
        let slot = feature as usize;
        if self.values[slot] == 0.0 {
            self.via[slot] = via as u32;
        }
        self.values[slot] += value;
    }

    /// The probability that the target's body uses the unit.
    pub(crate) fn chance(&self) -> f32 {
        let odds: f32 = FEATURES.iter().zip(&self.values).map(|(feature, value)| feature.weight * value).sum();
        1.0 / (1.0 + (-(BASE + odds)).exp())
    }

    /// The `count` strongest reasons, strongest first: the feature and the unit through which it leads.
    pub(crate) fn reasons(&self, count: usize) -> Vec<(&'static FeatureInfo, Option<usize>)> {
        let mut found: Vec<(f32, usize)> = Vec::new();
        for (slot, feature) in FEATURES.iter().enumerate() {
            let share = feature.weight * self.values[slot];
            if share > 0.0 {
                found.push((share, slot));
            }
        }
        found.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let reason = |&(_, slot): &(f32, usize)| {
            let via = self.via[slot];
            (&FEATURES[slot], (via != NOWHERE).then_some(via as usize))
        };
        found.iter().take(count).map(reason).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_follows_the_enum() {
        assert_eq!(FEATURES[Feature::BodyUse as usize].name, "body-use");
        assert_eq!(FEATURES[Feature::Private as usize].name, "private");
        assert_eq!(Feature::Private as usize + 1, FEATURES.len());
    }

    #[test]
    fn evidence_raises_the_chance_and_explains_itself() {
        let mut row = Row::EMPTY;
        let before = row.chance();
        row.raise(Feature::Similar, 0.9, Some(7));
        row.raise(Feature::Similar, 0.4, Some(8));
        row.raise(Feature::Imported, 1.0, None);
        assert!(row.chance() > before);
        let reasons = row.reasons(1);
        assert_eq!((reasons[0].0.name, reasons[0].1), ("similar", Some(7)));
    }
}
//DEBUG-BEGIN
impl Row { pub(crate) fn debug(&self) -> &[f32] { &self.values } }
//DEBUG-END
