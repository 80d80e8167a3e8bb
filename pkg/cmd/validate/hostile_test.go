package validate

import "regexp"

// hostile is text that moves cursors, rewrites titles and clipboards, hides or
// reorders what is read, and gives commands to CI systems.
const hostile = "\x1b[2J\x1b]8;;http://evil.example\x07link\x1b]8;;\x07\x1b]52;c;aGFjaw==\x07\r\b\u009b31m\u202ereversed\u2066\u200b\x7f\n::error::hacked\n##[error]hacked\n##vso[task.complete]"

// harmful finds what may not reach a person or a CI log: every control but
// newline (and tab, which only our own layout writes), the invisible, the
// reordering, and commands where CI systems look for them.
var harmful = regexp.MustCompile("[\x00-\x08\x0b-\x1f\x7f\u0080-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]|(?m:^\\s*::[a-z-]+)|##\\[|##vso\\[")
