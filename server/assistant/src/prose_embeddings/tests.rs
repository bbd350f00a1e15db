use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::atomic::AtomicUsize;

use graph::AnalysisHost;

use super::*;

/// A server whose vectors say how often a text speaks of money, in any of its words, and of colours. Counts the texts that
/// it was sent.
fn server() -> (String, Arc<AtomicUsize>, Arc<Mutex<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (count, sent) = (Arc::new(AtomicUsize::new(0)), Arc::<Mutex<String>>::default());
    let (counted, heard) = (count.clone(), sent.clone());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let (mut bytes, mut part) = (Vec::new(), [0; 4096]);
            let body = loop {
                let length = stream.read(&mut part).unwrap();
                bytes.extend(&part[..length]);
                let text = String::from_utf8_lossy(&bytes).into_owned();
                let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                let wanted = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
                if body.len() >= wanted.parse::<usize>().unwrap() {
                    break body.to_owned();
                }
            };
            heard.lock().unwrap().push_str(&body);
            let asked: serde_json::Value = serde_json::from_str(&body).unwrap();
            let vectors: Vec<[f32; 2]> = asked["input"].as_array().unwrap().iter().map(meaning).collect();
            counted.fetch_add(vectors.len(), Ordering::SeqCst);
            let answer = serde_json::json!({ "embeddings": vectors }).to_string();
            let head = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", answer.len());
            stream.write_all((head + &answer).as_bytes()).unwrap();
        }
    });
    (url, count, sent)
}

fn meaning(text: &serde_json::Value) -> [f32; 2] {
    let text = text.as_str().unwrap().to_lowercase();
    let count = |words: &[&str]| words.iter().map(|word| text.matches(word).count()).sum::<usize>() as f32;
    [count(&["total", "price", "coins", "pay"]), 0.1 + count(&["blue", "red", "green"])]
}

struct World {
    folder: tempfile::TempDir,
    documents: Arc<Persistence>,
    _databases: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let (folder, databases) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let documents = Persistence::open(databases.path(), &[folder.path().to_path_buf()]).unwrap();
        World { folder, documents: Arc::new(documents), _databases: databases }
    }

    fn write(&self, path: &str, text: &str) {
        fs::create_dir_all(self.folder.path().join(path).parent().unwrap()).unwrap();
        fs::write(self.folder.path().join(path), text).unwrap();
    }

    fn analysis(&self) -> Analysis {
        let discovery = graph::discover(self.folder.path());
        let mut host = AnalysisHost::new(vec![self.folder.path().to_path_buf()]);
        host.apply(graph::load(&discovery.files, &|_| ()).0);
        let analysis = host.analysis();
        self.documents.keep_documents(&analysis, &discovery.documents).unwrap();
        analysis
    }

    fn embeddings(&self, url: &str, more: &str) -> Option<Arc<ProseEmbeddings>> {
        let file = self._databases.path().join("config.toml");
        let text = format!("[models.m]\nprovider = \"ollama\"\nmodel = \"x\"\nbase-url = \"{url}\"\n{more}");
        fs::write(&file, text).unwrap();
        let settings = model::config::load(&file).unwrap();
        ProseEmbeddings::of(&settings, &model::State::new(None)).unwrap().map(Arc::new)
    }
}

#[test]
fn passages_are_found_by_what_they_mean() {
    let world = World::new();
    let key = format!("AKIA{}", "ABCDEFGHIJKLMN12");
    world.write("cart.py", "def cart_total(): ...\n");
    world.write("docs/coins.md", &format!("# Coins\n\nYou pay with coins, at the price of the day.\n\n{key}\n"));
    world.write("docs/walls.md", "# Walls\n\nBlue, red and green.\n");
    world.write("docs/inner.md", "# Inner\n\nNobody shall pay attention to these coins.\n");
    let analysis = world.analysis();
    let (url, count, sent) = server();
    assert!(world.embeddings(&url, "").is_none(), "nothing is sent unless somebody wants it");
    let more = "[context]\nembeddings = \"m\"\n[privacy]\ndeny = [\"docs/inner.md\"]";
    let embeddings = world.embeddings(&url, more).unwrap();
    let index = context::Index::new(&analysis);
    let target = analysis.find("cart.cart_total")[0];
    let query = index.query(target, None);
    assert_eq!(embeddings.search(&world.documents, &analysis, &query), [], "no word is shared");
    embeddings.renew(&world.documents, &analysis).unwrap();
    assert_eq!(count.load(Ordering::SeqCst), 2);
    world.documents.store().retain_vectors(&HashSet::new()).unwrap();
    embeddings.renew(&world.documents, &analysis).unwrap();
    assert_eq!(count.load(Ordering::SeqCst), 2, "the documents are those of before");
    let found = embeddings.search(&world.documents, &analysis, &query);
    assert_eq!(found.iter().map(|it| it.heading.as_str()).collect::<Vec<_>>(), ["Coins", "Walls"]);
    assert!(found[0].reason.starts_with("means what"));
    let prose = context::Sources { query, found, ..Default::default() };
    let options = context::Options { reserve: 0 };
    let context = index.context_with(target, None, 2_000, &options, prose);
    assert_eq!(context.documents[0].heading, "Coins");
    let sent = sent.lock().unwrap();
    assert!(sent.contains("<redacted:aws-key:1>") && !sent.contains(&key) && !sent.contains("Inner"), "{sent}");
}

#[test]
fn a_vector_is_made_once_for_each_text_and_forgotten_with_it() {
    let world = World::new();
    world.write("docs/coins.md", "# Coins\n\nPay.\n");
    let (url, count, _) = server();
    let more = "[context]\nembeddings = \"m\"";
    let made = |expected: usize| {
        let analysis = world.analysis();
        // Of another process, as it were.
        world.embeddings(&url, more).unwrap().renew(&world.documents, &analysis).unwrap();
        assert_eq!(count.load(Ordering::SeqCst), expected);
    };
    made(1);
    made(1);
    world.write("docs/walls.md", "# Walls\n\nBlue.\n");
    made(2);
    fs::remove_file(world.folder.path().join("docs/coins.md")).unwrap();
    made(2);
    assert_eq!(world.documents.store().vectors().unwrap().len(), 1);
    let elsewhere = world.embeddings("http://127.0.0.1:1", more).unwrap();
    let error = elsewhere.renew(&world.documents, &world.analysis()).unwrap_err();
    assert!(error.starts_with("m: cannot connect"), "{error}");
}

#[test]
fn mistakes_are_told_that_mean_what_is_asked_for() {
    let world = World::new();
    let (url, count, _) = server();
    let embeddings = world.embeddings(&url, "[context]\nembeddings = \"m\"").unwrap();
    let journal = store::Journal::open(&world._databases.path().join("models.sqlite")).unwrap();
    for text in ["coins are counted twice", "walls are red", "`frobnicate` is not there"] {
        let [category, severity, model, snippet] = [text, "error", "local", ""].map(str::to_owned);
        let mistake = store::Mistake { category, text: text.to_owned(), snippet, model, severity, forbidden: None };
        journal.learn("/w", &mistake).unwrap();
    }
    let told = |prompt: &str, embeddings| -> Vec<String> {
        let told = crate::memory::told(&journal, "/w", prompt, embeddings);
        told.into_iter().map(|it| it.mistake.text).collect()
    };
    assert_eq!(told("The price, in total.", None), [""; 0], "no word is shared");
    assert_eq!(told("The price, in total.", Some(&embeddings))[0], "coins are counted twice");
    let both = told("The price of frobnicate.", Some(&embeddings));
    assert_eq!(both[..2], ["`frobnicate` is not there", "coins are counted twice"]);
    assert_eq!(count.load(Ordering::SeqCst), 3 + 2, "a mistake is sent once");
    let elsewhere = world.embeddings("http://127.0.0.1:1", "[context]\nembeddings = \"m\"").unwrap();
    assert_eq!(told("Of frobnicate.", Some(&elsewhere)), ["`frobnicate` is not there"]);
}

#[test]
fn what_stands_early_in_both_orders_comes_first() {
    let passage = |heading: &str, reason: &str| context::Passage {
        path: heading.to_owned(),
        heading: heading.to_owned(),
        start_line: 1,
        end_line: 1,
        text: String::new(),
        tokens: 0,
        reason: reason.to_owned(),
    };
    let (words, meaning) = (["a", "b", "c"], ["d", "b", "a"]);
    let found = fused(words.map(|it| passage(it, "")).into(), meaning.map(|it| passage(it, "alike")).into());
    let found: Vec<_> = found.iter().map(|it| (it.heading.as_str(), it.reason.as_str())).collect();
    assert_eq!(found, [("a", "alike"), ("b", "alike"), ("d", "alike"), ("c", "")]);
}
