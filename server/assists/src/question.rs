//! What a model is asked about a function: the code that it needs, quoted, and the request.

use std::path::PathBuf;

use context::{Context, Form, Item};

use super::{Ask, Fence, Inquiry};

/// What differs between the assists that have a function written.
pub(super) struct Question {
    /// For the person: "Implement function `shop.cart.total`".
    pub title: String,
    /// Who the model is to be, and the rules it must keep; ends where another rule can follow.
    pub system: &'static str,
    /// What the function's own code is called.
    pub code: &'static str,
    /// What the instruction is called.
    pub instruction: &'static str,
    /// The last sentence.
    pub request: String,
}

/// Text of the workspace that is quoted besides the context.
pub(super) struct Quoted {
    /// Our own words, such as "The file that the tests go into".
    pub label: String,
    pub text: String,
    /// Absolute.
    pub path: PathBuf,
}

impl Question {
    /// The same arguments give the same bytes.
    pub fn ask(self, context: &Context, instruction: Option<&str>) -> Ask {
        self.ask_with(context, instruction, Vec::new())
    }

    /// The same with more to see.
    pub fn ask_with(self, context: &Context, instruction: Option<&str>, more: Vec<Quoted>) -> Ask {
        let Inquiry { title, system, user, shown } = self.inquire_with(context, instruction, &more);
        Ask { title, system, user, shown, quotes: more.into_iter().map(|it| it.path).collect() }
    }

    /// The same where nothing is to be edited.
    pub fn inquire(self, context: &Context, instruction: Option<&str>) -> Inquiry {
        self.inquire_with(context, instruction, &[])
    }

    fn inquire_with(self, context: &Context, instruction: Option<&str>, more: &[Quoted]) -> Inquiry {
        let imports = context.imports.join("\n");
        let (own, library): (Vec<_>, Vec<_>) = context.items.iter().partition(|item| item.form != Form::Library);
        let (code, library) = (by_file(&own), by_file(&library));
        let instruction = instruction.map(str::trim).filter(|instruction| !instruction.is_empty());
        let quoted = [context.target_text.as_str(), &imports, &library, instruction.unwrap_or_default()];
        let documents: Vec<String> = context.documents.iter().map(|it| format!("{}\n{}", it.path, it.text)).collect();
        let documents = documents.join("\n\n");
        let quoted = quoted.into_iter().chain(more.iter().map(|it| it.text.as_str()));
        let fence = Fence::around(quoted.chain([code.as_str(), documents.as_str()]));

        let mut user = String::new();
        // One frame around all of a kind: around each part they took a third of a prompt.
        let parts = [
            ("Documentation of the same workspace", &documents),
            ("Code of the same workspace", &code),
            ("What libraries offer", &library),
            ("Imports of the function's file", &imports),
        ];
        for (label, text) in parts.into_iter().filter(|(_, text)| !text.is_empty()) {
            user.push_str(&fence.quote(label, text));
            user.push('\n');
        }
        for Quoted { label, text, .. } in more {
            user.push_str(&fence.quote(label, text));
            user.push('\n');
        }
        user.push_str(&fence.quote(self.code, &context.target_text));
        if let Some(instruction) = instruction {
            user.push('\n');
            user.push_str(&fence.quote(self.instruction, instruction));
        }
        user.push_str(&format!("\n{}\n", self.request));
        let system = format!("{}{}\n", self.system, fence.rule());
        Inquiry { title: self.title, system, user, shown: shown(context) }
    }
}

/// Items below the path of their file, in the order in which the files come first. Members of one class share its line, so what
/// follows each other in a file stays together.
fn by_file(items: &[&Item]) -> String {
    let mut files: Vec<(&str, String)> = Vec::new();
    for item in items {
        match files.iter_mut().find(|(path, _)| *path == item.path) {
            Some((_, text)) => text.push_str(&format!("\n{}", item.text)),
            None => files.push((&item.path, item.text.clone())),
        }
    }
    files.iter().map(|(path, text)| format!("# {path}\n{text}")).collect::<Vec<_>>().join("\n\n")
}

/// What is sent and what is left out, one line each.
fn shown(context: &Context) -> Vec<String> {
    let shown = context.items.iter().map(|item| {
        let form = match item.form {
            Form::Body => "code",
            Form::Excerpt => "beginning",
            Form::Signature => "signature",
            Form::Line => "signature's first line",
            Form::Library => "library signature",
        };
        let reason = item.reason.first().map_or(String::new(), |reason| format!(": {reason}"));
        format!("{} of `{}`, {} tokens{reason}", form, item.symbol, item.tokens)
    });
    let documents = context.documents.iter().map(|passage| {
        let heading = if passage.heading.is_empty() { String::new() } else { format!(" “{}”", passage.heading) };
        let place = format!("{}:{}", passage.path, passage.start_line);
        format!("passage{heading} of {place}, {} tokens: {}", passage.tokens, passage.reason)
    });
    let left_out = (context.left_out_total > 0)
        .then(|| format!("left out for want of room: {} less likely symbols", context.left_out_total));
    shown.chain(documents).chain(left_out).collect()
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use context::{Index, Sources, count_tokens};
    use fixture::Workspace;

    /// A workspace in which more belongs to the target than fits.
    fn shop() -> Workspace {
        let mut text = "#- /shop/__init__.py\n".to_owned();
        for file in 0..10 {
            let _ = writeln!(text, "#- /shop/part{file}.py");
            for number in file * 10..file * 10 + 10 {
                let _ = writeln!(
                    text,
                    "class Part{number}:\n    \"\"\"A part of a shop.\"\"\"\n    def price(self, rate: int) -> int:\n        \"\"\"What it costs.\"\"\"\n        total = rate * {number}\n        return total + self.fee(rate)\n    def fee(self, rate: int) -> int:\n        return rate + {number}\ndef make{number}(rate: int) -> Part{number}:\n    part = Part{number}()\n    part.price(rate)\n    return part"
                );
            }
        }
        text.push_str("#- /main.py\n");
        for file in 0..10 {
            let _ = writeln!(text, "from shop.part{file} import *");
        }
        text.push_str("def total(rate: int, first: Part1, second: Part2) -> int:\n    $0...\n");
        for number in 0..100 {
            let _ = writeln!(text, "def use{number}():\n    return make{number}(1).price({number})");
        }
        Workspace::new(&text)
    }

    #[test]
    fn all_that_is_sent_is_in_the_budget_and_hardly_any_of_it_is_frames() {
        let workspace = shop();
        let (file, range) = workspace.selection();
        let target = workspace.analysis.enclosing(file, range.start());
        for budget in [4_096, 8_192, 16_384] {
            let index = Index::new(&workspace.analysis);
            let context = index.context_for_prompt(target, budget, &Sources::default());
            let ask = crate::ask(crate::AssistId::ImplementFunction, &workspace.analysis, target, &context, None);
            let ask = ask.expect("it is a stub");
            let sent = count_tokens(&ask.system) + count_tokens(&ask.user);
            assert!(sent <= budget, "{sent} of {budget}");
            let quoted =
                context.tokens + count_tokens(&context.target_text) + count_tokens(&context.imports.join("\n"));
            let frames = count_tokens(&ask.user).saturating_sub(quoted);
            assert!(frames * 100 <= sent * 8, "{frames} of {sent} tokens are frames");
            assert_eq!(ask.user.matches("# shop/part0.py\n").count(), 1, "a file is named once");
        }
    }
}
