package cli

import "runtime/debug"

// Set by the linker in releases; a build from source reads its own build
// information instead.
var (
	version = ""
	Commit  = ""
	Date    = ""
)

// Version is the release's number, the module's version, or "dev".
func Version() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "dev"
}
