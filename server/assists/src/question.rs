//! What a model is asked about a function: the code that it needs, quoted, and the request.

use std::path::PathBuf;

use context::{Context, Form};

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
        // Members of one class share its line, so what follows each other in a file stays together.
        let (own, library): (Vec<_>, Vec<_>) = context.items.iter().partition(|item| item.form != Form::Library);
        let parts = |items: Vec<&context::Item>| -> Vec<String> {
            let parts = items.chunk_by(|a, b| a.path == b.path);
            let text = |item: &&context::Item| format!("\n{}", item.text);
            parts.map(|part| format!("# {}{}", part[0].path, part.iter().map(text).collect::<String>())).collect()
        };
        let (items, library) = (parts(own), parts(library).join("\n"));
        let instruction = instruction.map(str::trim).filter(|instruction| !instruction.is_empty());
        let quoted = [context.target_text.as_str(), &imports, &library, instruction.unwrap_or_default()];
        let documents: Vec<String> = context.documents.iter().map(|it| format!("{}\n{}", it.path, it.text)).collect();
        let quoted = quoted.into_iter().chain(more.iter().map(|it| it.text.as_str()));
        let fence = Fence::around(quoted.chain(items.iter().chain(&documents).map(String::as_str)));

        let mut user = String::new();
        for (number, document) in documents.iter().enumerate() {
            user.push_str(&fence.quote(&format!("Documentation of the same workspace, part {}", number + 1), document));
            user.push('\n');
        }
        for (number, item) in items.iter().enumerate() {
            user.push_str(&fence.quote(&format!("Code of the same workspace, part {}", number + 1), item));
            user.push('\n');
        }
        if !library.is_empty() {
            user.push_str(&fence.quote("What libraries offer", &library));
            user.push('\n');
        }
        if !imports.is_empty() {
            user.push_str(&fence.quote("Imports of the function's file", &imports));
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
