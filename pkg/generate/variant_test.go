package generate_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/julianctl/julianctl/pkg/generate"
	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/julianctl/julianctl/pkg/payload"
	"github.com/julianctl/julianctl/pkg/validate"
	"github.com/tidwall/gjson"
)

func TestVariants(t *testing.T) {
	v := strict(t)
	names := map[string]bool{}
	for _, variant := range generate.Variants {
		if names[variant.Name] || variant.Doc == "" {
			t.Errorf("variant %q: twice %t, doc %q", variant.Name, names[variant.Name], variant.Doc)
		}
		names[variant.Name] = true
		for _, r := range julian.ResultTypes() {
			for seed := range uint64(3) {
				if large := variant.Name == "huge-transcript" || variant.Name == "many-items"; large && seed > 0 {
					continue // once will do
				}
				g := generate.New(seed)
				plain, err := generate.New(seed).Payload(generate.Spec{ResultType: r.Name})
				if err != nil {
					t.Fatal(err)
				}
				bodies, err := variant.Payloads(g, generate.Spec{ResultType: r.Name})
				if err != nil || len(bodies) == 0 {
					t.Fatalf("%s: %d payloads, %v", variant.Name, len(bodies), err)
				}
				for _, body := range bodies {
					correct(t, v, variant.Name+", "+string(r.Name), body)
					var e julian.CallEvent
					if err := json.Unmarshal(body, &e); err != nil && variant.Name != "numbers" {
						t.Fatalf("%s: %v", variant.Name, err)
					}
					if e.CallResult.ResultType != r.Name || !strings.Contains(e.Name, generate.Surname) || bytes.ContainsAny(body, "\n\r") {
						t.Fatalf("%s of %s: %.2000s", variant.Name, r.Name, body)
					}
				}
				if last := bodies[len(bodies)-1]; bytes.Equal(last, plain) && (variant.Name != "huge-transcript" || len(plain) > 1<<20) {
					t.Errorf("%s of %s is a usual payload", variant.Name, r.Name)
				}
			}
		}
	}
}

// variant makes the payloads of a variant and, of the same call, the usual one.
func variant(t *testing.T, name string, spec generate.Spec) (usual []byte, bodies [][]byte) {
	t.Helper()
	i := slices.IndexFunc(generate.Variants, func(v generate.Variant) bool { return v.Name == name })
	if i < 0 {
		t.Fatalf("no variant %q", name)
	}
	usual, err := generate.New(1).Payload(spec)
	if err != nil {
		t.Fatal(err)
	}
	if bodies, err = generate.Variants[i].Payloads(generate.New(1), spec); err != nil {
		t.Fatal(err)
	}
	return usual, bodies
}

// at is the value of a documented place, the first of every list.
func at(body []byte, pointer string) gjson.Result {
	return gjson.GetBytes(body, strings.NewReplacer("/", ".", "*", "0").Replace(pointer[1:]))
}

// Each variant is what it says.
func TestVariantsByName(t *testing.T) {
	tried := map[string]bool{}
	get := func(name string) (usual, body []byte) {
		tried[name] = true
		usual, bodies := variant(t, name, generate.Spec{})
		return usual, bodies[len(bodies)-1]
	}
	sameValue := func(a, b []byte) bool { return canonical(t, a) == canonical(t, b) }

	_, body := get("minimal")
	for _, f := range julian.Fields {
		if got := at(body, f.Pointer).Exists(); got != (f.Presence != julian.Optional) && !strings.Contains(f.Pointer, "*") && strings.Count(f.Pointer, "/") < 2 {
			t.Errorf("minimal: %s is there: %t", f.Pointer, got)
		}
	}
	_, body = get("maximal")
	for _, f := range julian.Fields {
		v := at(body, f.Pointer)
		if !v.Exists() || v.Type == gjson.Null || v.Raw == "{}" || v.Raw == `""` || v.IsArray() && len(v.Array()) < 2 {
			t.Errorf("maximal: %s is %s", f.Pointer, v.Raw)
		}
	}
	_, body = get("nulls")
	nulls := 0
	for _, f := range julian.Fields {
		if f.Nullable {
			nulls++
			if v := at(body, f.Pointer); v.Raw != "null" {
				t.Errorf("nulls: %s is %q", f.Pointer, v.Raw)
			}
		}
	}
	if nulls < 4 {
		t.Errorf("%d places may be null", nulls)
	}
	_, body = get("unknown-fields")
	v, err := validate.New(validate.Options{Rules: map[string]validate.Severity{"unknown-field": validate.Error}})
	if err != nil {
		t.Fatal(err)
	}
	if issues := v.Issues(payload.Document{Body: body}); len(issues) < 12 {
		t.Errorf("unknown-fields: %+v", issues)
	}
	tried["later-update"] = true
	first, two := variant(t, "later-update", generate.Spec{})
	if len(two) != 2 || !bytes.Equal(first, two[0]) || at(two[0], "/callId").Str != at(two[1], "/callId").Str || len(two[1]) <= len(two[0]) {
		t.Errorf("later-update: %q", two)
	}
	usual, body := get("key-order")
	if !sameValue(usual, body) || !strings.HasPrefix(string(body), `{"sequence":{"lifecycleStatus"`) {
		t.Errorf("key-order: %s", body)
	}
	usual, body = get("spaces")
	if !sameValue(usual, body) || len(body) < len(usual)+50 {
		t.Errorf("spaces: %s", body)
	}
	_, body = get("escapes")
	_, plain := get("unicode")
	if !sameValue(plain, body) || bytes.ContainsFunc(body, func(r rune) bool { return r > '~' || r < ' ' }) || !bytes.Contains(body, []byte(`\ud83d\udc69`)) || !bytes.Contains(body, []byte(`https:\/\/`)) {
		t.Errorf("escapes: %s", body)
	}
	if !bytes.Contains(plain, []byte("👨‍👩‍👧‍👦")) || !bytes.Contains(plain, []byte("हिन्दी")) {
		t.Errorf("unicode: %s", plain)
	}
	usual, body = get("numbers")
	if seconds := at(usual, "/duration").Num; at(body, "/duration").Num != seconds+0.25 || !strings.Contains(at(body, "/duration").Raw, "e") {
		t.Errorf("numbers: %s of %v", at(body, "/duration").Raw, seconds)
	}
	_, body = get("nested")
	if bytes.Count(body, []byte(`{"level":[`)) != 100 {
		t.Errorf("nested: %s", body)
	}
	_, body = get("hostile-text")
	for _, text := range []string{"<script>", "DROP TABLE", "/etc/passwd", "=1+1", `\u001b[31m`, `\u0000`, "\u202e", "::error::"} {
		if !bytes.Contains(body, []byte(text)) {
			t.Errorf("hostile-text: no %q in %s", text, body)
		}
	}
	_, body = get("many-items")
	if n := len(at(body, "/callResult/outcomes").Array()); n != 1000 {
		t.Errorf("many-items: %d outcomes", n)
	}
	_, body = get("huge-transcript")
	if n := len(at(body, "/callResult/transcription").String()); n != 1<<20 {
		t.Errorf("huge-transcript: %d bytes", n)
	}
	for _, v := range generate.Variants {
		if !tried[v.Name] {
			t.Errorf("nothing is known of variant %q", v.Name)
		}
	}
}

// canonical is a JSON value in one form, whatever its keys' order and escapes.
func canonical(t *testing.T, body []byte) string {
	t.Helper()
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		t.Fatal(err)
	}
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
