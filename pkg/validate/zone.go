package validate

import (
	_ "embed"
	"strings"
	"sync"
)

// zones.txt is the names of the IANA time zone database, links included, as Go
// ships them. A list of its own needs no zone files on the machine, and no
// untrusted name ever becomes part of a path, as time.LoadLocation would do.
//
//go:embed zones.txt
var zoneList string

var zoneNames = sync.OnceValue(func() []string { return strings.Fields(zoneList) })

var zoneSet = sync.OnceValue(func() map[string]bool {
	set := make(map[string]bool, len(zoneNames()))
	for _, name := range zoneNames() {
		set[name] = true
	}
	return set
})

func isZone(b []byte) bool { return zoneSet()[string(b)] }
