//! Tokens with a form of their own, as their issuers document it.

use std::ops::Range;
use std::sync::LazyLock;

use regex::{Regex, RegexSet};

use crate::{Confidence, pem};

/// What the tokens of one kind look like.
pub struct Format {
    /// Kebab case: `github-token`.
    pub kind: &'static str,
    /// With its article, for a sentence: `a GitHub token`.
    pub title: &'static str,
    /// Nothing but such a token. The secret is the first group, else the whole match. ASCII only, so `(?-u)` is prepended.
    exact: &'static str,
    /// Also what might be one: of another length, cut off, without the parts that nothing else has. `None` where that is
    /// the same.
    loose: Option<&'static str>,
    /// How sure it is that nothing else matches `exact`.
    pub confidence: Confidence,
}

const fn sure(kind: &'static str, title: &'static str, exact: &'static str) -> Format {
    Format { kind, title, exact, loose: None, confidence: Confidence::High }
}

const fn likely(kind: &'static str, title: &'static str, exact: &'static str) -> Format {
    Format { kind, title, exact, loose: None, confidence: Confidence::Medium }
}

impl Format {
    const fn or(mut self, loose: &'static str) -> Format {
        self.loose = Some(loose);
        self
    }
}

/// From the most to the least specific: the first that matches names a literal.
pub const FORMATS: &[Format] = &[
    // The inside must be there: code that reads keys names the first line alone.
    sure(
        "private-key",
        "a private key",
        r#"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----[\s\\nr"']+(?:[A-Za-z-]+: [ -~]*\n)*\s*[A-Za-z0-9+/=\s\\]{40,}"#,
    ),
    sure("age-key", "an age secret key", r"\bAGE-SECRET-KEY-1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}\b"),
    sure("aws-key", "an AWS access key id", r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b"),
    sure("github-token", "a GitHub token", r"\bgh[pousr]_[A-Za-z0-9]{36,255}\b").or(r"\bgh[pousr]_[A-Za-z0-9]{36,}\b"),
    sure("github-token", "a GitHub token", r"\bgithub_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}\b")
        .or(r"\bgithub_pat_[A-Za-z0-9_]{22,}\b"),
    sure("gitlab-token", "a GitLab token", r"\bgl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|oas|soat)-[A-Za-z0-9_-]{20,}"),
    sure("slack-token", "a Slack token", r"\bxox[abeoprs]-(?:\d+-)?[A-Za-z0-9-]{16,}")
        .or(r"\bxox[a-z]-[A-Za-z0-9-]{10,}"),
    sure("slack-token", "a Slack app token", r"\bxapp-\d-[A-Z0-9]{8,}-\d+-[a-z0-9]{32,}")
        .or(r"\bxapp-[A-Za-z0-9-]{10,}"),
    sure(
        "slack-webhook",
        "a Slack webhook",
        r"https://hooks\.slack\.com/(?:services|workflows)/T[A-Z0-9]+/[A-Z0-9]+/[A-Za-z0-9/]{16,}",
    )
    .or(r"https://hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9/_]{20,}"),
    sure("stripe-key", "a Stripe key", r"\b[rs]k_(?:live|test|prod)_[A-Za-z0-9]{20,}\b")
        .or(r"\b[rs]k_(?:live|test|prod)_[A-Za-z0-9]{16,}\b"),
    sure("stripe-webhook", "a Stripe webhook secret", r"\bwhsec_[A-Za-z0-9+/=]{32,}"),
    sure("google-key", "a Google API key", r"\bAIza[A-Za-z0-9_-]{35}"),
    sure("google-oauth", "a Google client secret", r"\bGOCSPX-[A-Za-z0-9_-]{28}"),
    sure("google-oauth", "a Google access token", r"\bya29\.[A-Za-z0-9_-]{30,}"),
    sure("anthropic-key", "an Anthropic key", r"\bsk-ant-[a-z]+\d{2}-[A-Za-z0-9_-]{24,}")
        .or(r"\bsk-ant-[A-Za-z0-9_-]{16,}"),
    sure("openrouter-key", "an OpenRouter key", r"\bsk-or-v1-[0-9a-f]{64}\b").or(r"\bsk-or-v1-[A-Za-z0-9_-]{16,}"),
    sure("openai-key", "an OpenAI key", r"\bsk-(?:proj|svcacct|admin)-[A-Za-z0-9_-]{24,}")
        .or(r"\bsk-(?:proj|svcacct|admin)-[A-Za-z0-9_-]{16,}"),
    sure("openai-key", "an OpenAI key", r"\bsk-[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}\b"),
    likely("openai-key", "an OpenAI key", r"\bsk-[A-Za-z0-9]{40,}\b").or(r"\bsk-[A-Za-z0-9]{20,}\b"),
    sure("huggingface-token", "a Hugging Face token", r"\b(?:hf|api_org)_[A-Za-z0-9]{34}\b")
        .or(r"\b(?:hf|api_org)_[A-Za-z0-9]{30,}\b"),
    sure("groq-key", "a Groq key", r"\bgsk_[A-Za-z0-9]{52}\b"),
    sure("replicate-token", "a Replicate token", r"\br8_[A-Za-z0-9]{37}\b"),
    sure("perplexity-key", "a Perplexity key", r"\bpplx-[A-Za-z0-9]{48}\b"),
    sure("xai-key", "an xAI key", r"\bxai-[A-Za-z0-9]{80}\b"),
    sure("langsmith-key", "a LangSmith key", r"\blsv2_(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}\b"),
    sure("npm-token", "an npm token", r"\bnpm_[A-Za-z0-9]{36}\b"),
    sure("pypi-token", "a PyPI token", r"\bpypi-AgE[A-Za-z0-9_-]{50,}").or(r"\bpypi-[A-Za-z0-9_-]{50,}"),
    sure("rubygems-key", "a RubyGems key", r"\brubygems_[0-9a-f]{48}\b"),
    sure("docker-token", "a Docker token", r"\bdckr_(?:pat|oat)_[A-Za-z0-9_-]{27,}"),
    sure("azure-storage-key", "an Azure storage key", r"\bAccountKey=([A-Za-z0-9+/]{86}==)"),
    sure("azure-service-bus-key", "an Azure shared access key", r"\bSharedAccessKey=([A-Za-z0-9+/]{43}=)"),
    sure(
        "azure-client-secret",
        "an Azure client secret",
        r"(?:^|[\s=:,;])([A-Za-z0-9_~.]{3}\dQ~[A-Za-z0-9_~.-]{31,34})",
    ),
    likely("azure-sas", "an Azure shared access signature", r"[?&]sig=([A-Za-z0-9%+/]{40,}(?:%3D|=))"),
    sure("twilio-key", "a Twilio API key", r"\bSK[0-9a-f]{32}\b"),
    sure("sendgrid-key", "a SendGrid key", r"\bSG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}\b"),
    likely("mailgun-key", "a Mailgun key", r"\bkey-[0-9a-f]{32}\b"),
    likely("mailchimp-key", "a Mailchimp key", r"\b[0-9a-f]{32}-us\d{1,2}\b"),
    sure("telegram-token", "a Telegram bot token", r"\b\d{8,10}:AA[A-Za-z0-9_-]{33}\b"),
    sure(
        "discord-token",
        "a Discord bot token",
        r"\b[MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,38}\b",
    ),
    sure(
        "discord-webhook",
        "a Discord webhook",
        r"https://discord(?:app)?\.com/api/webhooks/\d{17,20}/[A-Za-z0-9_-]{60,}",
    ),
    sure("digitalocean-token", "a DigitalOcean token", r"\bdo[opr]_v1_[0-9a-f]{64}\b"),
    sure("shopify-token", "a Shopify token", r"\bshp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}\b"),
    sure("square-token", "a Square token", r"\bsq0(?:atp|csp)-[A-Za-z0-9_-]{22,43}"),
    sure("databricks-token", "a Databricks token", r"\bdapi[0-9a-f]{32}\b"),
    sure("grafana-token", "a Grafana token", r"\b(?:glsa_[A-Za-z0-9]{32}_[0-9a-f]{8}\b|glc_[A-Za-z0-9+/]{32,}={0,2})"),
    sure("vault-token", "a Vault token", r"\bhv[sb]\.[A-Za-z0-9_-]{24,}"),
    sure("terraform-token", "a Terraform token", r"\b[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{60,}"),
    sure("linear-key", "a Linear key", r"\blin_api_[A-Za-z0-9]{40}\b"),
    sure("notion-token", "a Notion token", r"\bntn_[A-Za-z0-9]{43,}\b"),
    likely("notion-token", "a Notion token", r"\bsecret_[A-Za-z0-9]{43}\b"),
    sure("newrelic-key", "a New Relic key", r"\bNRAK-[A-Z0-9]{27}\b"),
    sure("sentry-token", "a Sentry token", r"\bsntry[su]_[A-Za-z0-9_+/=-]{60,}"),
    sure("pulumi-token", "a Pulumi token", r"\bpul-[0-9a-f]{40}\b"),
    sure("postman-key", "a Postman key", r"\bPMAK-[0-9a-f]{24}-[0-9a-f]{34}\b"),
    sure("heroku-key", "a Heroku key", r"\bHRKU-AA[A-Za-z0-9_-]{58}\b"),
    sure("alibaba-key", "an Alibaba Cloud key id", r"\bLTAI[A-Za-z0-9]{20}\b"),
    sure("atlassian-token", "an Atlassian token", r"\bATATT3[A-Za-z0-9_=-]{60,}"),
    // Signed; the third part is what makes it worth something.
    likely("jwt", "a JSON web token", r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{20,}")
        .or(r"\beyJ[A-Za-z0-9_-]{8,}\.e[A-Za-z0-9_-]{2,}\.[A-Za-z0-9_-]*"),
];

/// The index of private keys.
const PRIVATE_KEY: usize = 0;

/// Nothing shorter matches any format exactly.
const MIN_LENGTH: usize = 20;

/// The patterns of all formats, in their order: all at once, which is faster where none matches, and one by one.
struct Patterns {
    set: RegexSet,
    each: Vec<Regex>,
}

impl Patterns {
    fn new(pattern: impl Fn(&Format) -> String) -> Patterns {
        let texts: Vec<String> = FORMATS.iter().map(|format| format!("(?-u){}", pattern(format))).collect();
        Patterns {
            // The patterns are constants, and the tests compile every one of them.
            set: RegexSet::new(&texts).expect("valid patterns"),
            // As above.
            each: texts.iter().map(|text| Regex::new(text).expect("a valid pattern")).collect(),
        }
    }

    /// By format, then by place.
    fn matches<'a>(&'a self, text: &'a str) -> impl Iterator<Item = (usize, Range<usize>)> + 'a {
        self.set.matches(text).into_iter().flat_map(move |index| {
            let found = self.each[index].captures_iter(text);
            found.filter_map(move |captures| Some((index, captures.get(1).or(captures.get(0))?.range())))
        })
    }
}

static EXACT: LazyLock<Patterns> = LazyLock::new(|| Patterns::new(|format| format.exact.to_owned()));

static LOOSE: LazyLock<Patterns> =
    LazyLock::new(|| Patterns::new(|format| within_names(format.loose.unwrap_or(format.exact))));

/// The same pattern where an underscore joins the token with a name: `backup_ghp_…`, `ghp_…_old`.
fn within_names(pattern: &str) -> String {
    const EDGE: &str = r"(?:\b|_)";
    let (before, rest) = pattern.strip_prefix(r"\b").map_or(("", pattern), |rest| (EDGE, rest));
    let (inside, behind) = rest.strip_suffix(r"\b").map_or((rest, ""), |inside| (inside, EDGE));
    if before.is_empty() && behind.is_empty() {
        return pattern.to_owned();
    }
    // Patterns with a group of their own have no such edges before it: the first group is the secret.
    let group = if rest.starts_with("AccountKey") || rest.starts_with("SharedAccessKey") { "?:" } else { "" };
    format!("{before}({group}{inside}){behind}")
}

/// The first secret in `value` that `accept` takes, and where it is.
pub fn find(value: &str, accept: impl Fn(&Format, &str) -> bool) -> Option<(&'static Format, Range<usize>)> {
    if value.len() < MIN_LENGTH {
        return None;
    }
    let mut found = EXACT.matches(value).map(|(index, range)| (&FORMATS[index], range));
    found.find(|(format, range)| accept(format, &value[range.clone()]))
}

/// All that has, or might have, one of [`FORMATS`]: the index of the format, and where. In the order of the formats; places
/// may overlap. Private keys are the first format; a pattern would read on from each header to the end of the text.
pub fn candidates(text: &str) -> impl Iterator<Item = (usize, Range<usize>)> {
    let keys = pem::find(text).into_iter().map(|range| (PRIVATE_KEY, range));
    keys.chain(LOOSE.matches(text).filter(|(index, _)| *index != PRIVATE_KEY))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles_and_has_a_kebab_case_name() {
        assert_eq!(EXACT.each.len(), LOOSE.each.len());
        assert_eq!(FORMATS[PRIVATE_KEY].kind, "private-key");
        for Format { kind, title, .. } in FORMATS {
            assert!(kind.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{kind}");
            assert!(title.starts_with("a ") || title.starts_with("an "), "{title}");
        }
    }

    #[test]
    fn a_dummy_hides_no_real_one() {
        let value = format!("ghp_{} ghp_{}", "x".repeat(36), "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8");
        let (_, range) = find(&value, |_, secret| !secret.contains("xxx")).unwrap();
        assert_eq!(range.start, 41);
    }

    #[test]
    fn a_token_that_a_name_runs_into_is_a_candidate() {
        let token = ["gh", "p_a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"].concat();
        for (before, after) in [("backup_", ""), ("", "_old"), ("backup_", "_old"), ("x = '", "'")] {
            let text = format!("{before}{token}{after}");
            let found: Vec<&str> = candidates(&text).map(|(_, range)| &text[range]).collect();
            assert_eq!(found, [&token], "{text}");
        }
        let key = format!("old_AccountKey={}==", "a1".repeat(43));
        let found: Vec<&str> = candidates(&key).map(|(_, range)| &key[range]).collect();
        assert_eq!(found, [&key[15..]]);
        // A letter before it makes it another word.
        assert_eq!(candidates(&format!("x{token}")).count(), 0);
    }

    #[test]
    fn what_might_be_a_token_is_a_candidate() {
        let places =
            |text: &str| candidates(text).map(|(index, range)| (FORMATS[index].kind, range)).collect::<Vec<_>>();
        let short = ["sk-", "ant-a1B2c3D4e5F6g7H8"].concat();
        assert_eq!(find(&short, |_, _| true).map(|(format, _)| format.kind), None);
        assert_eq!(places(&format!("é{short} {short}")), [("anthropic-key", 2..25), ("anthropic-key", 26..49)]);
    }
}
