package payload

import "iter"

// Files gives the files that [Read] would read now, without opening them. What
// stands in the way is left out: to read tells of it. So is stdin.
func Files(paths []string) iter.Seq[string] {
	return func(yield func(string) bool) {
		r := &reader{visit: yield}
		for _, path := range paths {
			if path != "-" && !r.path(path, func(Chunk, error) bool { return true }) {
				return
			}
		}
	}
}
