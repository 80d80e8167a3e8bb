package supervise

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Listens are the addresses at which the consumer takes connections, as
// host:port; nil where that is not known.
func (i *Instance) Listens() []string {
	sockets := map[string]bool{}
	for _, pid := range descendants(processParents(), i.shim.Process.Pid) {
		files, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
		if err != nil {
			continue
		}
		for _, file := range files {
			if to, err := os.Readlink(file); err == nil { // an error: it is closed
				sockets[to] = true
			}
		}
	}
	var at []string
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		file, err := os.Open(table)
		if err != nil {
			continue
		}
		for lines := bufio.NewScanner(file); lines.Scan(); {
			// number local remote state queues timer retransmits uid timeout inode …
			f := strings.Fields(lines.Text())
			if len(f) < 10 || f[3] != tcpListens || !sockets["socket:["+f[9]+"]"] {
				continue
			}
			if addr := tableAddress(f[1]); addr != "" && !slices.Contains(at, addr) {
				at = append(at, addr)
			}
		}
		_ = file.Close()
	}
	return at
}

// tcpListens is the state of a socket that takes connections, in those tables.
const tcpListens = "0A"

// tableAddress reads an address such as 0100007F:1F90: words of four bytes in
// the order of this machine, and the port.
func tableAddress(s string) string {
	words, port, _ := strings.Cut(s, ":")
	ip, err := hex.DecodeString(words)
	number, portErr := strconv.ParseUint(port, 16, 16)
	if err != nil || portErr != nil || len(ip)%4 != 0 {
		return ""
	}
	for at := 0; at < len(ip); at += 4 {
		binary.NativeEndian.PutUint32(ip[at:], binary.BigEndian.Uint32(ip[at:]))
	}
	return net.JoinHostPort(net.IP(ip).String(), strconv.FormatUint(number, 10))
}
