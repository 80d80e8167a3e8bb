package safetext

import "regexp"

// passwords are those of URLs, and those of connection strings, which a shell may
// fill in.
var passwords = regexp.MustCompile(`([A-Za-z][A-Za-z0-9+.-]*://[^\s/:@'"]*:)[^\s/'"]+(@)|((?i:password)=)(?:'[^']+'|[^\s&'"$]+)`)

// WithoutPasswords is a text, such as a command line, with *** for the passwords of
// the URLs and connection strings in it.
func WithoutPasswords(s string) string { return passwords.ReplaceAllString(s, "${1}${3}***${2}") }
