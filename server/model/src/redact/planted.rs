//! Secrets planted where they turn up in practice: none may be left in a request, whatever surrounds it.

use proptest::prelude::*;

use crate::{Prompt, Request};

/// So many characters of a secret in a row are no accident.
const LEAK: usize = 12;

/// Put together here, so that scanners leave this file alone.
const FORMS: &[(&str, &str, &str)] = &[
    ("AK", "IA", "[A-Z0-9]{16}"),
    ("gh", "p_", "[A-Za-z0-9]{36}"),
    ("github", "_pat_", "[A-Za-z0-9]{22}_[A-Za-z0-9]{59}"),
    ("gl", "pat-", "[A-Za-z0-9]{20}"),
    ("xo", "xb-", "[0-9]{12}-[A-Za-z0-9]{24}"),
    ("sk-", "ant-api03-", "[A-Za-z0-9]{48}"),
    ("sk-", "proj-", "[A-Za-z0-9]{48}"),
    ("h", "f_", "[A-Za-z0-9]{34}"),
    ("AI", "za", "[A-Za-z0-9]{35}"),
    ("sk_", "live_", "[A-Za-z0-9]{24}"),
    ("np", "m_", "[A-Za-z0-9]{36}"),
    ("pypi", "-AgE", "[A-Za-z0-9]{60}"),
    ("ey", "JhbGciOiJIUzI1NiJ9.eyJ", "[A-Za-z0-9]{20}\\.[A-Za-z0-9]{43}"),
    ("-----BEGIN ", "PRIVATE KEY-----\n", "([A-Za-z0-9+/]{64}\n){3}-----END PRIVATE KEY-----"),
];

/// Code, docstrings, comments, paths, tracebacks, the output of tests, data and commands; `@` is the secret.
const PLACES: &[&str] = &[
    "KEY = \"@\"\n",
    "client = Client('@', timeout=3)\n",
    "def f():\n    \"\"\"Call it with @.\n\n    >>> login(\"@\")\n    \"\"\"\n",
    "# was @, see the wiki\n",
    "url = f\"https://api.example.org/v1?key=@&page={page}\"\n",
    "  File \"/home/me/keys/@/app.py\", line 3, in load\n    return open(path)\n",
    "FileNotFoundError: [Errno 2] No such file or directory: '/srv/@.txt'\n",
    "E       AssertionError: assert '@' == ''\nE         + @\n",
    "requests.exceptions.HTTPError: 401 Client Error for url: https://api.example.org/?token=@\n",
    "----- Captured stdout call -----\nlogged in as admin with @\n",
    "    self = <Session token=@>, retries = 3\n",
    "{\"name\": \"x\", \"key\": \"@\"}\n",
    "export SOME_THING=@\n",
    "curl -H 'Authorization: Bearer @' https://api.example.org\n",
    "keys = ['a', '@', \"@\"]\n",
    "the key (@) and `@`, nothing else\n",
];

/// What stands around it, here and there in another alphabet.
const FILLER: &[&str] =
    &["import os\n", "grün = 'ß🐍'\n", "def total(items):\n    return sum(items)\n", "\t\r\n", "x = 1  # ok\n"];

fn secret() -> impl Strategy<Value = String> {
    let forms = FORMS.iter().map(|(start, more, rest)| {
        let start = [*start, *more].concat();
        // The patterns are constants, of which every run of the test compiles all.
        proptest::string::string_regex(rest).unwrap().prop_map(move |rest| start.clone() + &rest).boxed()
    });
    proptest::strategy::Union::new(forms)
}

fn text(parts: &[(usize, usize)], secrets: &[String]) -> String {
    let mut text = String::new();
    for (number, &(place, filler)) in parts.iter().enumerate() {
        text += FILLER[filler % FILLER.len()];
        text += &PLACES[place % PLACES.len()].replace('@', &secrets[number % secrets.len()]);
    }
    text
}

/// The first stretch of `secret` that `shown` still has.
fn leak(secret: &str, shown: &str) -> Option<String> {
    let characters: Vec<char> = secret.chars().collect();
    let stretches = characters.windows(LEAK).map(|stretch| stretch.iter().collect::<String>());
    // The words around a private key are no secret.
    let mut secret = stretches.filter(|stretch| !stretch.contains("PRIVATE") && !stretch.contains("-----"));
    secret.find(|stretch| shown.contains(stretch.as_str()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn nothing_leaves_unredacted(
        secrets in prop::collection::vec(secret(), 1..4),
        user in prop::collection::vec(any::<(usize, usize)>(), 1..8),
        system in prop::collection::vec(any::<(usize, usize)>(), 0..3),
    ) {
        let prompt = Prompt { system: text(&system, &secrets), user: text(&user, &secrets) };
        let (request, redactions) = Request::redacted(prompt.clone());
        for secret in &secrets {
            for shown in [request.system(), request.user(), &format!("{request:?}{redactions:?}")] {
                prop_assert_eq!(leak(secret, shown), None, "{}", shown);
            }
        }
        // The same prompt is the same request, or no answer would ever be found again; and an edit loses nothing.
        let (again, _) = Request::redacted(prompt.clone());
        prop_assert_eq!((again.system(), again.user()), (request.system(), request.user()));
        prop_assert_eq!(redactions.restore(request.user()), prompt.user);
        prop_assert_eq!(redactions.restore(request.system()), prompt.system);
    }
}
