fn main() {
    let root = std::path::PathBuf::from(std::env::args().nth(1).unwrap()).canonicalize().unwrap();
    let discovery = graph::discover(&root);
    let start = std::time::Instant::now();
    let (change, _) = graph::load(&discovery.files, &|_| {});
    let mut host = graph::AnalysisHost::new(vec![root]);
    host.apply(change);
    eprintln!("index {:?}", start.elapsed());
    let start = std::time::Instant::now();
    let flow = host.analysis().solve_flow();
    eprintln!("flow {:?} {:?}", start.elapsed(), flow.size());
    host.settle(flow);
    eprintln!("{:?}", host.analysis().stats());
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    eprintln!("{:?}", status.lines().find(|l| l.starts_with("VmHWM")));
}
