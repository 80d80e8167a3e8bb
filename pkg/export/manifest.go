package export

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// Names of the files of an export.
const (
	ManifestFile = "manifest.json"
	DigestsFile  = "payloads.sha256"
	ScriptFile   = "deliver.js"
)

// manifestSchema may only get more fields.
const manifestSchema = "julianctl.export/v1"

// maxManifest is the largest manifest that is read, in bytes.
const maxManifest = 16 << 20

// Manifest describes an export; [Manifest.Verify] uses it. It has no payloads and no
// secrets.
type Manifest struct {
	Schema  string    `json:"schema"`
	Engine  Engine    `json:"engine"`
	Run     string    `json:"run"`
	Created time.Time `json:"created"`
	URL     string    `json:"url"`
	Seed    uint64    `json:"seed"`
	Counts
	Copies int `json:"copies"` // of each payload
	// PlanSHA256 is the hash of one line "SEQ COPY SHA256-OF-THE-BODY" per delivery,
	// in the order of the plan. Equal plans have equal hashes.
	PlanSHA256 string `json:"planSha256"`
	// Digests has one line per payload, in the order of their numbers: the SHA-256 of
	// its body in hexadecimal.
	Digests File    `json:"digests"`
	Script  *File   `json:"script,omitempty"`
	Shards  []Shard `json:"shards"`
	// Variables are the environment variables with the values of secret headers.
	Variables []string `json:"variables,omitempty"`
	Warnings  []string `json:"warnings,omitempty"`

	dir string // of the files
}

// File is a file of the export.
type File struct {
	Name   string `json:"file"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// Shard is one file of deliveries and how to run it.
type Shard struct {
	File
	Counts
	// Command is to be run in the folder of the files.
	Command string `json:"command"`
}

// ErrManifest is returned for a file that is not a valid manifest.
var ErrManifest = errors.New("is not a manifest of an export")

// ReadManifest reads and checks the manifest at path. The other files are in the same
// folder.
func ReadManifest(path string) (*Manifest, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxManifest+1))
	if err != nil {
		return nil, err
	}
	m := &Manifest{dir: filepath.Dir(path)}
	if err := json.Unmarshal(data, m); err != nil || len(data) > maxManifest || m.Schema != manifestSchema {
		return nil, fmt.Errorf("%q %w", path, ErrManifest)
	}
	// Divided, not multiplied: a forged number must not overflow.
	consistent := m.Payloads > 0 && m.Copies > 0 && m.Deliveries%m.Copies == 0 && m.Deliveries/m.Copies == m.Payloads &&
		m.Run != "" && filepath.Base(m.Digests.Name) == m.Digests.Name && m.Digests.Bytes/digestLine == int64(m.Payloads)
	if !consistent {
		return nil, fmt.Errorf("%q %w: its numbers do not fit together", path, ErrManifest)
	}
	return m, nil
}

// digestLine is the length of a line of the digests.
const digestLine = 2*sha256.Size + 1

// digests looks up the SHA-256 of bodies in a file, without loading it.
type digests struct{ f *os.File }

// openDigests opens the digests and checks that they are unchanged. The caller closes
// them.
func (m *Manifest) openDigests() (*digests, error) {
	path := filepath.Join(m.dir, m.Digests.Name)
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	sum := sha256.New()
	size, err := io.Copy(sum, f)
	if err == nil && (size != m.Digests.Bytes || hex.EncodeToString(sum.Sum(nil)) != m.Digests.SHA256) {
		err = fmt.Errorf("%q is not as the manifest has it: changed, or of another export", path)
	}
	if err != nil {
		_ = f.Close() // it was only read
		return nil, err
	}
	return &digests{f}, nil
}

// matches reports whether the payload of that number has this body.
func (d *digests) matches(number int, body []byte) (bool, error) {
	var line [digestLine]byte
	if _, err := d.f.ReadAt(line[:], int64(number-1)*digestLine); err != nil {
		return false, err
	}
	return string(line[:digestLine-1]) == digest(body), nil
}
