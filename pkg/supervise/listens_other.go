//go:build !linux

package supervise

// Listens is not known on this system.
func (i *Instance) Listens() []string { return nil }
