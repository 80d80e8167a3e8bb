package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-viper/mapstructure/v2"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/spf13/viper"
)

// config is every setting that outlives one command line. A field is all it
// takes to add one: its file key, its flag (where a command offers it) and its
// environment name JULIANCTL_… derive from the key.
type config struct {
	AgentID      string        `key:"agent-id" env:"JULIAN_AGENT_ID AGENT_ID" doc:"agent whose sample is fetched"`
	APIKeyFile   string        `key:"api-key-file" doc:"file that holds the API key"`
	BaseURL      string        `key:"base-url" env:"JULIAN_BASE_URL" default:"https://julian.11x.ai/api/v1" doc:"base URL of the API"`
	Color        string        `key:"color" default:"auto" oneof:"auto always never" doc:"when to use colour"`
	Endpoints    []endpoint    `key:"endpoints" doc:"named endpoints, for --to NAME"`
	Fixtures     string        `key:"fixtures" doc:"folder for the fixtures that the inspector makes, with pseudonyms"`
	KeyStore     string        `key:"key-store" default:"auto" oneof:"auto keyring file" doc:"where auth login keeps the API key"`
	Log          string        `key:"log" doc:"delivery log: a file, or off (default in the state folder)"`
	RedactHeader []string      `key:"redact-header" doc:"names of further headers whose values are never shown"`
	Timeout      time.Duration `key:"timeout" default:"30s" doc:"how long one delivery or API call may take"`
	To           string        `key:"to" doc:"endpoint that deliveries go to: a URL or a name from endpoints"`

	origin  map[string]string // key to where its value came from
	project project           // that was read
}

// endpoint is one named endpoint of the configuration.
type endpoint struct {
	Name    string        `key:"name"`
	URL     string        `key:"url"`
	Headers []string      `key:"headers"` // "Name: value"
	Timeout time.Duration `key:"timeout"` // 0: the global one
}

// setting is one key of config, as its struct tags say.
type setting struct {
	key, doc, def string
	env           []string // first found wins
	oneOf         []string
}

// settings lists the keys in alphabetical order. They are read from the type
// once: every command asks for them as it declares its flags.
var settings = sync.OnceValue(func() []setting {
	var out []setting
	for _, f := range reflect.VisibleFields(reflect.TypeFor[config]()) {
		key := f.Tag.Get("key")
		if key == "" {
			continue
		}
		own := "JULIANCTL_" + strings.ToUpper(strings.ReplaceAll(key, "-", "_"))
		out = append(out, setting{
			key:   key,
			doc:   f.Tag.Get("doc"),
			def:   f.Tag.Get("default"),
			env:   append([]string{own}, strings.Fields(f.Tag.Get("env"))...),
			oneOf: strings.Fields(f.Tag.Get("oneof")),
		})
	}
	return out
})

// configFlag gives cmd the flag of a configuration key. Its value is read from
// app.cfg, where flag, environment, files and default have met.
func configFlag(cmd *cobra.Command, key string) {
	for _, s := range settings() {
		if s.key != key {
			continue
		}
		doc := s.doc
		if len(s.oneOf) > 0 {
			doc += ": " + strings.Join(s.oneOf, ", ")
		}
		switch key {
		case "timeout":
			d, _ := time.ParseDuration(s.def)
			cmd.Flags().Duration(key, d, doc)
		case "redact-header":
			cmd.Flags().StringArray(key, nil, doc)
		default:
			cmd.Flags().String(key, s.def, doc)
		}
		isSetting(cmd.Flags(), key)
	}
}

const settingMark = "julianctl_setting"

// isSetting marks the flag called key as that of the configuration key. Without
// it a flag may have the name of a key and be another matter: the --timeout of
// listen waits for deliveries.
func isSetting(flags *pflag.FlagSet, key string) {
	// The only error is a flag that is not there, and it was declared before.
	_ = flags.SetAnnotation(key, settingMark, []string{key})
}

// originDefault is the origin of a value that nothing sets.
const originDefault = "default"

// loadConfig merges default, user file, project file, environment and flags,
// in rising order of weight.
func loadConfig(env func(string) string, cmd *cobra.Command) (config, error) {
	v := viper.New()
	origin := map[string]string{}
	all := settings()
	for _, s := range all {
		v.SetDefault(s.key, s.def)
		origin[s.key] = originDefault
	}
	explicit := ""
	if f := cmd.Flags().Lookup("config"); f != nil {
		explicit = f.Value.String()
	}
	var own project
	for _, file := range configFiles(env, explicit) {
		values, content, err := readConfigFile(file)
		if errors.Is(err, fs.ErrNotExist) && explicit == "" {
			continue
		}
		if err != nil {
			return config{}, err
		}
		if file.name == fromProject {
			if own, err = newProject(env, file.path, content, values); err != nil {
				return config{}, err
			}
			keepNames(v, values)
		}
		if err := v.MergeConfigMap(values); err != nil {
			return config{}, usage(fmt.Errorf("configuration %q: %w", file.path, err), "")
		}
		for key := range values {
			origin[key] = file.path
		}
	}
	for _, s := range all {
		for _, name := range s.env {
			value := env(name)
			if value == "" {
				continue
			}
			parsed, err := envValue(s.key, value)
			if err != nil {
				return config{}, usage(fmt.Errorf("environment %s: %w", name, err), "")
			}
			v.Set(s.key, parsed)
			origin[s.key] = "environment " + name
			break
		}
		if f := cmd.Flags().Lookup(s.key); f != nil && f.Changed && f.Annotations[settingMark] != nil {
			v.Set(s.key, f.Value.String())
			if list, ok := f.Value.(interface{ GetSlice() []string }); ok {
				v.Set(s.key, list.GetSlice())
			}
			origin[s.key] = "flag --" + s.key
		}
	}
	var cfg config
	if err := decodeConfig(v, &cfg, origin); err != nil {
		return config{}, err
	}
	cfg.origin = origin
	for key := range own.keys {
		own.keys[key] = origin[key] == projectFile // and nothing outweighs it
	}
	cfg.project = own
	return cfg, nil
}

// configOf is what a project file says by itself.
func configOf(env func(string) string, path string, content []byte, values map[string]any) (cfg config, err error) {
	v, origin := viper.New(), map[string]string{}
	for _, s := range settings() {
		v.SetDefault(s.key, s.def)
		origin[s.key] = path
	}
	if err := v.MergeConfigMap(values); err != nil {
		return config{}, usage(fmt.Errorf("configuration %q: %w", path, err), "")
	}
	if err := decodeConfig(v, &cfg, origin); err != nil {
		return config{}, err
	}
	cfg.project, err = newProject(env, path, content, values)
	return cfg, err
}

// newProject is the project file at path, whose values are given.
func newProject(env func(string) string, path string, content []byte, values map[string]any) (project, error) {
	path, err := trustedPath(path)
	if err != nil {
		return project{}, unable(fmt.Errorf("configuration %q: %w", projectFile, err), "")
	}
	p := project{path: path, keys: map[string]bool{}, trust: newTrustStore(env).state(path, content)}
	for key := range values {
		p.keys[key] = true
	}
	return p, nil
}

// keepNames lets a project file add to the names of headers that are masked,
// and take none away.
func keepNames(v *viper.Viper, values map[string]any) {
	const key = "redact-header"
	before, _ := v.Get(key).([]any)
	if names, ok := values[key].([]any); ok {
		values[key] = slices.Concat(before, names)
	}
}

// decodeConfig is strict: what does not fit its type is an error that names
// the key and where its value came from.
func decodeConfig(v *viper.Viper, cfg *config, origin map[string]string) error {
	for _, s := range settings() {
		value := v.Get(s.key)
		if value == "" {
			value = nil
		}
		err := decode(map[string]any{s.key: value}, cfg)
		if err == nil && len(s.oneOf) > 0 && !slices.Contains(s.oneOf, fmt.Sprint(value)) {
			err = fmt.Errorf("%q is not one of %s", value, strings.Join(s.oneOf, ", "))
		}
		if err != nil {
			return usage(fmt.Errorf("setting %q from %s: %w", s.key, origin[s.key], err), `see "julianctl help environment"`)
		}
	}
	seen := map[string]bool{}
	for _, e := range cfg.Endpoints {
		switch {
		case e.Name == "" || e.URL == "":
			return usage(fmt.Errorf("endpoint %q in %s needs a name and a url", e.Name+e.URL, origin["endpoints"]), "")
		case seen[e.Name]:
			return usage(fmt.Errorf("endpoint %q is named twice in %s", e.Name, origin["endpoints"]), "")
		}
		seen[e.Name] = true
	}
	return nil
}

func decode(values map[string]any, into any) error {
	d, err := mapstructure.NewDecoder(&mapstructure.DecoderConfig{
		TagName:     "key",
		ErrorUnused: true,
		Result:      into,
		DecodeHook:  durationHook,
	})
	if err != nil {
		return err
	}
	if err := d.Decode(values); err != nil {
		var list interface{ Unwrap() []error }
		if errors.As(err, &list) {
			return list.Unwrap()[0]
		}
		return err
	}
	return nil
}

// durationHook reads "5s" and refuses a bare number, whose unit nobody knows.
func durationHook(from, to reflect.Type, value any) (any, error) {
	if to != reflect.TypeFor[time.Duration]() || from == to {
		return value, nil
	}
	text, ok := value.(string)
	if !ok {
		return nil, fmt.Errorf(`%v is no duration; write it with its unit, such as "5s"`, value)
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return nil, fmt.Errorf(`%q is no duration; write it like "500ms", "5s" or "2m"`, text)
	}
	return d, nil
}

// envValue reads a list from JSON, or from words between commas.
func envValue(key, text string) (any, error) {
	switch {
	case key != "endpoints" && key != "redact-header":
		return text, nil
	case strings.HasPrefix(strings.TrimSpace(text), "["):
		var list []any
		if err := json.Unmarshal([]byte(text), &list); err != nil {
			return nil, fmt.Errorf("not a JSON list: %w", err)
		}
		return list, nil
	case key == "endpoints":
		return nil, errors.New(`want a JSON list, such as [{"name": "staging", "url": "https://…"}]`)
	}
	words := strings.Split(text, ",")
	for i := range words {
		words[i] = strings.TrimSpace(words[i])
	}
	return words, nil
}

// projectFile comes with a checkout: what it says was not said by the person.
// See projectRules.
const projectFile = ".julianctl.yaml"

// configFile is a place where a configuration file may be.
type configFile struct{ name, path string }

// The names of places. A file that --config gives is named by the person.
const (
	fromFlag    = "given"
	fromUser    = "user"
	fromProject = "project"
)

// configFiles lists the files that are read, lightest first.
func configFiles(env func(string) string, explicit string) []configFile {
	if explicit != "" {
		return []configFile{{fromFlag, explicit}}
	}
	files := []configFile{}
	if dir := configDir(env); dir != "" {
		files = append(files, configFile{fromUser, filepath.Join(dir, "config.yaml")})
	}
	return append(files, configFile{fromProject, projectFile})
}

// configDir is the person's own folder for julianctl, empty when the
// environment names none.
func configDir(env func(string) string) string {
	if dir := env("XDG_CONFIG_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "julianctl")
	}
	if dir := env("AppData"); dir != "" {
		return filepath.Join(dir, "julianctl")
	}
	if home := env("HOME"); home != "" {
		return filepath.Join(home, ".config", "julianctl")
	}
	return ""
}

// stateDir is where the person's processes keep what outlives them, empty when
// the environment names no place.
func stateDir(env func(string) string) string {
	if dir := env("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "julianctl")
	}
	if dir := env("LocalAppData"); dir != "" {
		return filepath.Join(dir, "julianctl")
	}
	if home := env("HOME"); home != "" {
		return filepath.Join(home, ".local", "state", "julianctl")
	}
	return ""
}

// maxConfig is the size of a configuration file, in bytes, past which it is
// none.
const maxConfig = 1 << 20

// readConfigFile reads one file, and refuses keys that nobody reads.
func readConfigFile(file configFile) (values map[string]any, content []byte, err error) {
	path := file.path
	bad := func(err error, hint string) (map[string]any, []byte, error) {
		return nil, nil, usage(fmt.Errorf("configuration %q%w", path, err), hint)
	}
	info, err := os.Stat(path)
	if err == nil && file.name == fromProject && !info.Mode().IsRegular() {
		return bad(errors.New(" is not a regular file"), "") // a link to a device, which may never end
	}
	if err == nil {
		content, err = readAtMost(path, maxConfig)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return bad(fmt.Errorf(" is not there: %w", fs.ErrNotExist), `"julianctl config init" writes one`)
	case err != nil:
		return bad(fmt.Errorf(": %w", err), "")
	}
	v := viper.New()
	v.SetConfigType("yaml")
	if err := v.ReadConfig(bytes.NewReader(content)); err != nil {
		return bad(fmt.Errorf(": %w", err), "")
	}
	values = v.AllSettings()
	var known []string
	for _, s := range settings() {
		known = append(known, s.key)
	}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if !slices.Contains(known, key) {
			return bad(fmt.Errorf(": unknown key %q", key), didYouMean(key, known, "keys are "+strings.Join(known, ", ")))
		}
	}
	return values, content, nil
}

// readAtMost reads a file that is no larger than limit bytes.
func readAtMost(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(content)) > limit {
		err = fmt.Errorf("it is larger than %d bytes", limit)
	}
	return content, err
}
