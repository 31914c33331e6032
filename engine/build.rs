//! Builds again when a file of the embedded suite appears, changes or goes: the macro that embeds a folder does
//! not notice new files.

fn main() {
    for folder in ["scenarios", "rubrics", "packs/baseline"] {
        println!("cargo::rerun-if-changed={folder}");
    }
}
