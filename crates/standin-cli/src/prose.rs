//! Sentences in lines.

use textwrap::{Options, WordSplitter};

/// In lines of a terminal's width. Paths and names stay whole, for somebody will want to copy them.
pub(crate) fn wrapped(text: &str, first: &str, others: &str) -> String {
    let options = Options::new(WIDTH)
        .initial_indent(first)
        .subsequent_indent(others)
        .break_words(false)
        .word_splitter(WordSplitter::NoHyphenation);
    textwrap::fill(text, options)
}

const WIDTH: usize = 88;
