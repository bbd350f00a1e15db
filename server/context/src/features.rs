//! The evidence that a body will use a symbol, and what each piece of it weighs.
//!
//! [`FEATURES`] is the whole ranker. Its weights come from a logistic regression over what the functions of five packages
//! use in other files; those of `body-use`, `signature`, `own-base`, `imported`, `caller` and `sibling` were set by hand.
//! A ranker that learns from the workspace replaces this table and nothing else.

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
    BodyUse         "body-use"           5.0  "the target's code uses it"
    Signature       "signature"          0.3  "named in the target's signature or decorators"
    DocMention      "doc-mention"        0.4  "mentioned in the target's docstring"
    Overridden      "overridden"         3.7  "the target overrides it"
    OwnMember       "own-member"         1.3  "a member of the target's class {}"
    OwnBase         "own-base"           0.3  "a base of the target's class"
    TypeMember      "type-member"        1.1  "a member of {}, a type in the target's signature"
    AttributeMember "attribute-member"  0.15  "a member of {}, the type of an attribute at hand"
    Imported        "imported"           0.1  "imported by the target's file"
    UnusedImport    "unused-import"      2.3  "imported by the target's file and not used there yet"
    ModuleImported  "module-imported"    0.7  "in a module that the target's file imports"
    ModuleNear      "module-near"        1.6  "in a module close by in the import graph"
    Similar         "similar"            4.6  "used by {}, which resembles the target"
    WithType        "with-type"          3.0  "often used where {} is at hand"
    SameName        "same-name"          3.1  "used by {}, which has the target's name"
    Connected       "connected"         0.62  "well connected to the target in the graph"
    NameWords       "name-words"         1.2  "shares words with the target's name"
    DocWords        "doc-words"          1.0  "shares words with the target's docstring"
    Caller          "caller"             0.3  "calls the target"
    Sibling         "sibling"           -3.5  "in the target's file, which its reader has at hand"
    Popular         "popular"           0.36  "used elsewhere in the workspace"
    SpecialMethod   "special-method"    -1.0  "a special method"
    Private         "private"           -0.9  "private"
}

/// The log-odds of use when there is no evidence at all.
pub(crate) const BASE: f32 = -11.4;

/// Poor reasons.
const VAGUE: [Feature; 3] = [Feature::ModuleNear, Feature::Connected, Feature::Popular];

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

    /// The `count` strongest reasons, strongest first: the feature and the unit through which it leads. What
    /// is true of many symbols is only said where there is nothing better to say.
    pub(crate) fn reasons(&self, count: usize) -> Vec<(&'static FeatureInfo, Option<usize>)> {
        let share = |slot: usize| FEATURES[slot].weight * self.values[slot];
        let mut slots: Vec<usize> = (0..FEATURES.len()).filter(|&slot| share(slot) > 0.0).collect();
        slots.sort_by(|&a, &b| {
            let is_vague = |slot| VAGUE.iter().any(|&feature| feature as usize == slot);
            is_vague(a).cmp(&is_vague(b)).then(share(b).total_cmp(&share(a)))
        });
        slots.truncate(count);
        let via = |slot: usize| (self.via[slot] != NOWHERE).then_some(self.via[slot] as usize);
        slots.into_iter().map(|slot| (&FEATURES[slot], via(slot))).collect()
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
