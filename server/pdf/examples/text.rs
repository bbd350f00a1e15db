//! Prints the text of a PDF file: `cargo run -p pdf --example text -- FILE`

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("which file?")?;
    println!("{}", pdf::text(&std::fs::read(path)?, 64 << 10)?);
    Ok(())
}
