package export

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"

	"github.com/julianctl/julianctl/pkg/deliver"
)

// Write writes the export to a new folder dir, completely or not at all: it writes to a
// temporary folder, which is then renamed. Only the owner can read the files (0600).
// Payloads are distributed over the shards in turn; copies that are sent one after the
// other stay in one shard. The first error of steps ends it. Memory depends on the largest
// payload.
func (e Export) Write(dir string, steps iter.Seq2[deliver.Step, error]) (_ *Manifest, err error) {
	if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
		return nil, cmp.Or(err, error(&fs.PathError{Op: "write", Path: dir, Err: fs.ErrExist}))
	}
	tmp, err := os.MkdirTemp(filepath.Dir(filepath.Clean(dir)), ".julianctl-*") // 0700
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(tmp))
		}
	}()
	m, err := e.writeFiles(tmp, steps)
	if err != nil {
		return nil, err
	}
	m.dir = dir
	return m, os.Rename(tmp, dir)
}

func (e Export) writeFiles(dir string, steps iter.Seq2[deliver.Step, error]) (_ *Manifest, err error) {
	m := &Manifest{
		Schema: manifestSchema, Engine: e.Engine, Run: e.Run, Created: e.Created.UTC(), URL: e.URL,
		Seed: e.Plan.Seed, Copies: e.copies(), Warnings: e.Warnings(),
	}
	for _, name := range e.Secrets {
		m.Variables = append(m.Variables, Variable(name))
	}
	if err := e.writeDeliveries(dir, m, steps); err != nil {
		return nil, err
	}
	if e.Engine == K6 {
		script := e.script(m)
		if err := writeFile(filepath.Join(dir, ScriptFile), script); err != nil {
			return nil, err
		}
		m.Script = &File{ScriptFile, int64(len(script)), digest(script)}
	}
	for i := range m.Shards {
		m.Shards[i].Command = e.command(m, i)
	}
	manifest, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, err
	}
	return m, writeFile(filepath.Join(dir, ManifestFile), append(manifest, '\n'))
}

func (e Export) writeDeliveries(dir string, m *Manifest, steps iter.Seq2[deliver.Step, error]) (err error) {
	lines := newTargets(e)
	shards := make([]*shardFile, e.shards())
	for i := range shards {
		if shards[i], err = newShardFile(dir, shardName(i, len(shards))); err != nil {
			return err
		}
		defer shards[i].close(&err)
	}
	sums, err := os.OpenFile(filepath.Join(dir, DigestsFile), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sums.Close()) }()
	plan := sha256.New()
	digests := digestWriter{f: sums}
	turn := 0
	for group := range e.encode(steps, true) {
		for _, s := range group.steps {
			shard := shards[turn%len(shards)]
			turn++
			m.add(s.Step)
			shard.counts.add(s.Step)
			if s.First == 1 {
				if err := digests.write(s.Number, s.digest); err != nil {
					return e.ended(err)
				}
			}
			for n := s.First; n <= s.Last; n++ {
				fmt.Fprintf(plan, "%d %d %s\n", s.Number, n, s.digest) // writing to a hash cannot fail
				shard.buf = lines.append(shard.buf, s.Number, n, group.body(s))
				if err := shard.flushIfFull(); err != nil {
					return e.ended(err)
				}
			}
		}
		if group.err != nil {
			return e.ended(group.err)
		}
	}
	if turn < len(shards) {
		return &PlanError{fmt.Sprintf(`--shards "%d" is more than there is to deliver: %d`, len(shards), turn), ""}
	}
	m.PlanSHA256 = hex.EncodeToString(plan.Sum(nil))
	for _, s := range shards {
		file, err := s.finish()
		if err != nil {
			return err
		}
		m.Shards = append(m.Shards, Shard{File: file, Counts: s.counts})
	}
	if err := digests.flush(); err != nil {
		return err
	}
	m.Digests, err = describe(sums)
	return err
}

// digestWriter writes the digests of payloads, in any order, each to its offset.
// Neighbouring ones are written together.
type digestWriter struct {
	f   *os.File
	at  int64 // offset of buf
	buf []byte
}

func (d *digestWriter) write(number int, digest string) error {
	at := int64(number-1) * digestLine
	if at != d.at+int64(len(d.buf)) || len(d.buf) >= bufferSize {
		if err := d.flush(); err != nil {
			return err
		}
		d.at = at
	}
	d.buf = append(append(d.buf, digest...), '\n')
	return nil
}

func (d *digestWriter) flush() error {
	_, err := d.f.WriteAt(d.buf, d.at)
	d.buf = d.buf[:0]
	return err
}

// describe reads a file, which was written in any order, for its size and hash, and syncs
// it.
func describe(f *os.File) (File, error) {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return File{}, err
	}
	sum := sha256.New()
	size, err := io.Copy(sum, f)
	if err != nil {
		return File{}, err
	}
	return File{filepath.Base(f.Name()), size, hex.EncodeToString(sum.Sum(nil))}, f.Sync()
}

func shardName(i, n int) string {
	if n == 1 {
		return "deliveries.ndjson"
	}
	return fmt.Sprintf("deliveries-%d-of-%d.ndjson", i+1, n)
}

// shardFile is a file of deliveries that is being written.
type shardFile struct {
	f      *os.File
	buf    []byte // not yet written
	sum    hash.Hash
	size   int64
	counts Counts
}

func newShardFile(dir, name string) (*shardFile, error) {
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	return &shardFile{f: f, sum: sha256.New()}, nil
}

// flushIfFull writes the buffer if it is large enough.
func (s *shardFile) flushIfFull() error {
	if len(s.buf) < bufferSize {
		return nil
	}
	return s.flush()
}

func (s *shardFile) flush() error {
	s.sum.Write(s.buf)
	s.size += int64(len(s.buf))
	_, err := s.f.Write(s.buf)
	s.buf = s.buf[:0]
	return err
}

func (s *shardFile) finish() (File, error) {
	err := errors.Join(s.flush(), s.f.Sync())
	return File{filepath.Base(s.f.Name()), s.size, hex.EncodeToString(s.sum.Sum(nil))}, err
}

func (s *shardFile) close(err *error) { *err = errors.Join(*err, s.f.Close()) }

// writeFile writes a new file in the temporary folder.
func writeFile(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Sync(), f.Close())
}
