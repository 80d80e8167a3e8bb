package migrate

import (
	"encoding/binary"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/julianctl/julianctl/pkg/record"
	"github.com/julianctl/julianctl/pkg/segment"
)

// A length that goes past the end of the data is an error.
func TestAddDamaged(t *testing.T) {
	for name, length := range map[string][]byte{
		"none":      nil,
		"cut off":   {0x80},
		"too long":  binary.AppendUvarint(nil, 1),
		"very long": binary.AppendUvarint(nil, math.MaxInt64),
		"negative":  binary.AppendUvarint(nil, math.MaxUint64),
		"no varint": []byte(strings.Repeat("\xff", 11)),
		"by a byte": append(binary.AppendUvarint(nil, 3), 1, 2),
	} {
		data := append([]byte{record.DeliveryKind}, length...)
		if err := (&oldLog{opts: &Options{}}).add(data, 1); !errors.Is(err, segment.ErrRecord) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Only a log is taken for one: other files are left alone.
func TestIsOld(t *testing.T) {
	head := func(application uint32) []byte {
		b := make([]byte, 100)
		copy(b, "SQLite format 3\x00")
		binary.BigEndian.PutUint32(b[68:], application)
		return b
	}
	for name, c := range map[string]struct {
		data    []byte
		waiting bool // there is a write-ahead log
		want    bool
	}{
		"a log":                    {head(oldApplicationID), false, true},
		"another program's":        {head(1), true, false},
		"no program's":             {head(0), false, false},
		"no program's yet":         {head(0), true, true},
		"text":                     {[]byte("text"), false, false},
		"empty, something waiting": {nil, true, true},
		"empty":                    {nil, false, false},
	} {
		path := filepath.Join(t.TempDir(), "log")
		if err := os.WriteFile(path, c.data, 0o600); err != nil {
			t.Fatal(err)
		}
		if c.waiting {
			if err := os.WriteFile(path+"-wal", nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if is, err := isOld(path, info); is != c.want || err != nil {
			t.Errorf("%s: %v, %v", name, is, err)
		}
		if _, err := os.Stat(path); (err == nil) != (name != "empty") {
			t.Errorf("%s: the file: %v", name, err)
		}
	}
}
