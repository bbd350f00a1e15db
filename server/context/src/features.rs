//! The evidence that a body will use a symbol, and what each piece of it weighs.
//!
//! [`FEATURES`] is what the ranker knows. The weights come from a logistic regression over what the functions of some
//! fifty packages use (see the example program `fit`), all but that of `body-use`, which was set by hand.
//! [`crate::Models`] fits them to a workspace. What features tell only together, [`crate::Forest`] adds.

use crate::fit::Model;

/// One kind of evidence.
#[derive(Clone, Copy, Debug)]
pub struct FeatureInfo {
    pub name: &'static str,
    /// How much a value of one adds to the log-odds of use.
    pub weight: f32,
    /// The same for what is in the target's own file.
    pub own_file_weight: f32,
    /// The reason as a reader sees it; `{}` is the symbol through which the evidence leads.
    pub reason: &'static str,
    /// What the value is.
    pub meaning: &'static str,
}

macro_rules! features {
    ($($feature:ident $name:literal $weight:literal $own:literal $reason:literal $meaning:literal)*) => {
        /// Index into [`FEATURES`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Feature { $($feature),* }

        /// The kinds of evidence, in the order of [`Feature`].
        pub const FEATURES: &[FeatureInfo] = &[$(FeatureInfo {
            name: $name,
            weight: $weight,
            own_file_weight: $own,
            reason: $reason,
            meaning: $meaning,
        }),*];
    };
}

features! {
    BodyUse         "body-use"          5.00   5.00  "the target's code uses it" "1 where the target's own body uses it"
    Signature       "signature"        -0.61   1.06  "named in the target's signature or decorators" "1 where it is"
    DocMention      "doc-mention"       0.23   0.11  "mentioned in the target's docstring" "1 where the docstring has its name"
    Overridden      "overridden"        2.52   3.65  "the target overrides it" "1 where it does"
    OwnMember       "own-member"        0.78   1.14  "a member of the target's class {}" "1, inherited 1/2"
    OwnBase         "own-base"         -1.01  -0.14  "a base of the target's class" "1 where it is, however far away"
    TypeMember      "type-member"       0.23   1.35  "a member of {}, a type in the target's signature" "1, inherited 1/2"
    AttributeMember "attribute-member"  0.58   0.32  "a member of {}, the type of an attribute at hand" "1, inherited 1/2"
    AttributeType   "attribute-type"    0.16   0.64  "the type of an attribute at hand" "1 where it is"
    ImportMember    "import-member"     0.90  -0.08  "a member of {}, a type that the target's file imports or makes" "1, inherited 1/2"
    Imported        "imported"         -0.14   0.10  "imported by the target's file" "1 where it is"
    UnusedImport    "unused-import"     3.88   2.30  "imported by the target's file and not used there yet" "1 where it is"
    ModuleTop       "module-top"        0.67   0.50  "at the top of a module that the target's file imports" "1 for what is no member of an imported module"
    ModuleImported  "module-imported"  -0.39   0.70  "in a module that the target's file imports" "1 where it is"
    ModuleNear      "module-near"       5.89   3.27  "in a module close by in the import graph" "1/(1 + steps along imports)"
    Similar         "similar"           4.71   4.20  "used by {}, which resembles the target" "the root of the share of the 25 most similar functions, weighed by likeness squared"
    WithType        "with-type"         0.33   0.20  "often used where {} is at hand" "the share of functions with one of the target's types that use it"
    SameName        "same-name"         3.25   3.18  "used by {}, which has the target's name" "the share of the functions of the target's name"
    InFile          "in-file"           0.19  -0.39  "used elsewhere in the target's file" "ln(1 + functions of the file that use it)"
    InFileRate      "in-file-rate"     -1.18  -0.50  "used all over the target's file" "the share of the file's functions"
    InClass         "in-class"         -1.54  -0.65  "used by other methods of {}" "the share of the class's methods"
    Mentioned       "mentioned"        -0.03  -0.14  "its name occurs in the target's file" "ln(1 + occurrences outside of the target)"
    Connected       "connected"         0.53   0.31  "well connected to the target in the graph" "ln(1 + 1e6 personalised PageRank)"
    NameWords       "name-words"        1.53   0.58  "shares words with the target's name" "the share of its name's words, by rarity"
    DocWords        "doc-words"         0.82   1.16  "shares words with the target's docstring" "the same"
    ParameterWords  "parameter-words"  -0.05   0.18  "shares words with the target's parameters" "the same"
    ClassWords      "class-words"       0.39  -0.74  "shares words with the target's class" "the same"
    Described       "described"         0.04  -0.01  "its docstring speaks of the same" "words shared with the target's name and docstring, by rarity"
    OwnerInFile     "owner-in-file"    -0.25  -0.07  "a member of {}, which the target's file uses" "ln(1 + functions of the file that use its class)"
    MatesInFile     "mates-in-file"     0.09  -0.28  "the target's file uses other members of {}" "ln(1 + uses of members of its class in the file)"
    OwnerSimilar    "owner-similar"     0.35   0.44  "a member of {}, which resembling functions use" "`similar` for its class"
    MatesSimilar    "mates-similar"     0.64   1.21  "resembling functions use members of {}" "the greatest `similar` in its class"
    OwnerWords      "owner-words"       0.17  -0.14  "a member of {}, which shares words with the target" "the greater of its class's name-words and doc-words"
    OwnerImported   "owner-imported"   -0.54   0.30  "a member of {}, which the target's file imports" "1 where it does"
    ClassShare      "class-share"       0.37  -0.06  "what {} is mostly used for" "the share of all uses of members of its class"
    Users           "users"             0.24   1.09  "used by many functions" "ln(1 + functions that use it)"
    Caller          "caller"           -2.86  -2.02  "calls the target" "1 where it does"
    Sibling         "sibling"          -3.50  -1.83  "in the target's file" "1 where it is"
    Nearby          "nearby"            0.50   1.44  "close to the target in its file" "1/(1 + symbols between them / 4)"
    Popular         "popular"           0.02  -0.95  "used elsewhere in the workspace" "ln(1 + files that use it)"
    ClassPopular    "class-popular"    -0.09   0.07  "its class is used elsewhere in the workspace" "ln(1 + uses of members of its class)"
    Unused          "unused"            0.62   1.37  "used by nobody else yet" "1 where no other function uses it"
    SpecialMethod   "special-method"   -2.06  -3.00  "a special method" "1 where it is"
    Private         "private"          -1.13   0.24  "private" "1 where its name starts with one underscore"
    IsClass         "class"             0.47   1.37  "a class" "1 where it is"
    IsFunction      "function"          0.64   1.26  "a function" "1 where it is"
    IsAttribute     "attribute"         0.40   1.34  "an attribute" "1 where it is"
    IsVariable      "variable"          0.65   2.17  "a variable" "1 where it is"
    OrphanModule    "orphan-module"     0.25   0.00  "in a module that no other file imports yet" "1 where no other file does"
    ModuleInFile    "module-in-file"   -0.04   0.08  "the target's file uses more of its module" "ln(1 + other symbols of its module that the target's file uses)"
    ModuleSimilar   "module-similar"    0.28  -0.68  "resembling functions use its module" "the greatest `similar` in its module"
    ModuleWords     "module-words"      0.30   0.20  "in a module that shares words with the target" "the share of the words of the module's name in the target's name, class and docstring"
}

/// The log-odds of use when there is no evidence at all.
pub(crate) const BASE: f32 = -11.99;
/// The same for what is in the target's own file.
pub(crate) const OWN_FILE_BASE: f32 = -9.73;

/// Poor reasons.
const VAGUE: [Feature; 13] = [
    Feature::Users,
    Feature::ClassShare,
    Feature::ModuleNear,
    Feature::Connected,
    Feature::Popular,
    Feature::ClassPopular,
    Feature::Unused,
    Feature::OrphanModule,
    Feature::ModuleSimilar,
    Feature::IsClass,
    Feature::IsFunction,
    Feature::IsAttribute,
    Feature::IsVariable,
];

/// Through nothing.
const NOWHERE: u32 = u32::MAX;

/// A value for each feature.
pub(crate) type Values = [f32; FEATURES.len()];

/// The evidence for one unit: a value for each feature, and the unit through which it leads.
#[derive(Clone)]
pub(crate) struct Row {
    pub values: Values,
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

    /// The `count` strongest reasons, strongest first: the feature and the unit through which it leads. What
    /// is true of many symbols is only said where there is nothing better to say.
    pub(crate) fn reasons(&self, model: &Model, count: usize) -> Vec<(&'static FeatureInfo, Option<usize>)> {
        let share = |slot: usize| model.weights[slot] * self.values[slot];
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
        assert_eq!(FEATURES[Feature::IsVariable as usize].name, "variable");
    }

    #[test]
    fn evidence_raises_the_chance_and_explains_itself() {
        let mut row = Row::EMPTY;
        let model = crate::fit::Models::default().elsewhere;
        let before = model.odds(&row.values);
        row.raise(Feature::Similar, 0.9, Some(7));
        row.raise(Feature::Similar, 0.4, Some(8));
        row.raise(Feature::Imported, 1.0, None);
        assert!(model.odds(&row.values) > before);
        let reasons = row.reasons(&model, 1);
        assert_eq!((reasons[0].0.name, reasons[0].1), ("similar", Some(7)));
    }
}
