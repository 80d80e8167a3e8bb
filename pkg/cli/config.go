package cli

import (
	"bytes"
	"cmp"
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

	"github.com/julianctl/julianctl/pkg/units"
)

// Config has all settings that can be in a file or the environment. To add one, add a
// field: its flag (if a command offers it) and its environment name JULIANCTL_… derive
// from the key.
type Config struct {
	AgentID      string        `key:"agent-id" env:"JULIAN_AGENT_ID AGENT_ID" doc:"agent whose sample is fetched"`
	APIKeyFile   string        `key:"api-key-file" doc:"file that holds the API key"`
	BaseURL      string        `key:"base-url" env:"JULIAN_BASE_URL" default:"https://julian.11x.ai/api/v1" doc:"base URL of the API"`
	Color        string        `key:"color" default:"auto" oneof:"auto always never" doc:"when to use colour"`
	Endpoints    []Endpoint    `key:"endpoints" doc:"named endpoints, for --to NAME"`
	Fixtures     string        `key:"fixtures" doc:"folder in which the inspector saves fixtures, with pseudonyms"`
	KeyStore     string        `key:"key-store" default:"auto" oneof:"auto keyring file" doc:"where auth login keeps the API key"`
	Log          string        `key:"log" doc:"folder of the delivery log, or off (default in the state folder)"`
	RedactHeader []string      `key:"redact-header" doc:"names of more headers whose values are hidden"`
	Timeout      time.Duration `key:"timeout" default:"30s" doc:"time limit for one delivery or API request"`
	To           string        `key:"to" doc:"endpoint that deliveries go to: a URL or a name from endpoints"`

	Origin  map[string]Origin // key to where its value came from
	Project Project           // that was read
}

// Origin is where a setting's value came from. One of its fields is given; none
// where nothing sets the value.
type Origin struct{ Flag, Env, File string }

// String is the origin as it is shown.
func (o Origin) String() string {
	switch {
	case o.Flag != "":
		return "flag --" + o.Flag
	case o.Env != "":
		return "environment " + o.Env
	}
	return cmp.Or(o.File, "default")
}

// Endpoint is one named endpoint of the configuration.
type Endpoint struct {
	Name    string        `key:"name" doc:"name for --to NAME"`
	URL     string        `key:"url" doc:"URL of the endpoint; with exec a path is enough"`
	Headers []string      `key:"headers" doc:"headers to send, 'Name: value'"`
	Timeout time.Duration `key:"timeout" doc:"time limit for one delivery, instead of the global one"`

	// What check has flags for: how it starts the endpoint, what it puts between
	// it and what it uses, and how effects are counted.
	Exec      string   `key:"exec" doc:"command that starts the endpoint; {port} and $PORT are its port"`
	Env       []string `key:"env" doc:"environment of the endpoint, NAME=VALUE"`
	ReadyURL  string   `key:"ready-url" doc:"path or URL that answers once the endpoint is ready"`
	Reset     string   `key:"reset" doc:"command to run before the endpoint starts"`
	Through   []string `key:"through" doc:"what the endpoint uses and check proxies: VAR, VAR=URL, HOSTVAR:PORTVAR or LISTEN=TARGET"`
	Spy       []string `key:"spy" doc:"what the endpoint calls and check replaces by a stand-in: VAR, or VAR=smtp"`
	SpyAnswer string   `key:"spy-answer" doc:"answer of a stand-in: STATUS, STATUS:BODY, or forward"`
	Probe     string   `key:"probe" doc:"command that prints how often the call {callId} was processed"`
	ProbeURL  string   `key:"probe-url" doc:"URL that answers with how often the call {callId} was processed"`
	ProbePath string   `key:"probe-path" doc:"path to the number in the probe's JSON"`
}

// EndpointSetting is a setting of an endpoint that check has a flag for.
type EndpointSetting struct {
	Flag   string
	Values []string // nil: it is not set
	Would  string   // what it does that needs trust, as in "would run …"
}

// CheckSettings are those settings that check has flags for.
func (e Endpoint) CheckSettings() []EndpointSetting {
	one := func(value string) []string {
		if value == "" {
			return nil
		}
		return []string{value}
	}
	return []EndpointSetting{
		{"exec", one(e.Exec), "run"},
		{"env", e.Env, "set the environment"},
		{"ready-url", one(e.ReadyURL), "ask"},
		{"reset", one(e.Reset), "run"},
		{"through", e.Through, "stand in front of"},
		{"spy", e.Spy, "stand in for"},
		{"spy-answer", one(e.SpyAnswer), "answer calls with"},
		{"probe", one(e.Probe), "run"},
		{"probe-url", one(e.ProbeURL), "ask"},
		{"probe-path", one(e.ProbePath), "look for"},
	}
}

// Setting is one key of config, as its struct tags say.
type Setting struct {
	Key, Doc, Def string
	Env           []string // first found wins
	OneOf         []string // nil: any value
}

// Settings lists the keys in alphabetical order. They are read from the type
// once: every command asks for them as it declares its flags.
var Settings = sync.OnceValue(func() []Setting {
	var out []Setting
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Config]()) {
		key := f.Tag.Get("key")
		if key == "" {
			continue
		}
		own := "JULIANCTL_" + strings.ToUpper(strings.ReplaceAll(key, "-", "_"))
		out = append(out, Setting{
			Key:   key,
			Doc:   f.Tag.Get("doc"),
			Def:   f.Tag.Get("default"),
			Env:   append([]string{own}, strings.Fields(f.Tag.Get("env"))...),
			OneOf: strings.Fields(f.Tag.Get("oneof")),
		})
	}
	return out
})

// ConfigFlag gives cmd the flag of a configuration key. Its value is read from
// App.Config, where flag, environment, files and default have met.
func ConfigFlag(cmd *cobra.Command, key string) {
	for _, s := range Settings() {
		if s.Key != key {
			continue
		}
		doc := s.Doc
		if len(s.OneOf) > 0 {
			doc += ": " + strings.Join(s.OneOf, ", ")
		}
		switch key {
		case "timeout":
			d, _ := time.ParseDuration(s.Def)
			cmd.Flags().Duration(key, d, doc)
		case "redact-header":
			cmd.Flags().StringArray(key, nil, doc)
		default:
			cmd.Flags().String(key, s.Def, doc)
		}
		MarkSetting(cmd.Flags(), key)
	}
}

const settingMark = "julianctl_setting"

// MarkSetting marks the flag called key as that of the configuration key. Without
// it a flag may have the name of a key and be another matter: the --timeout of
// listen waits for deliveries.
func MarkSetting(flags *pflag.FlagSet, key string) {
	// The only error is a flag that is not there, and it was declared before.
	_ = flags.SetAnnotation(key, settingMark, []string{key})
}

// LoadConfig merges default, user file, project file, environment and flags. Later ones
// take precedence.
func LoadConfig(env func(string) string, cmd *cobra.Command) (Config, error) {
	v := viper.New()
	origin := map[string]Origin{}
	all := Settings()
	for _, s := range all {
		v.SetDefault(s.Key, s.Def)
	}
	explicit := ""
	if f := cmd.Flags().Lookup("config"); f != nil {
		explicit = f.Value.String()
	}
	var own Project
	for _, file := range ConfigFiles(env, explicit) {
		values, content, err := ReadConfigFile(file)
		if errors.Is(err, fs.ErrNotExist) && explicit == "" {
			continue
		}
		if err != nil {
			return Config{}, err
		}
		if file.Name == FromProject {
			if own, err = newProject(env, file.Path, content, values); err != nil {
				return Config{}, err
			}
			keepNames(v, values)
		}
		if err := v.MergeConfigMap(values); err != nil {
			return Config{}, UsageError(fmt.Errorf("configuration %q: %w", file.Path, err), "")
		}
		for key := range values {
			origin[key] = Origin{File: file.Path}
		}
	}
	for _, s := range all {
		for _, name := range s.Env {
			value := env(name)
			if value == "" {
				continue
			}
			parsed, err := envValue(s.Key, value)
			if err != nil {
				return Config{}, UsageError(fmt.Errorf("environment %s: %w", name, err), "")
			}
			v.Set(s.Key, parsed)
			origin[s.Key] = Origin{Env: name}
			break
		}
		if f := cmd.Flags().Lookup(s.Key); f != nil && f.Changed && f.Annotations[settingMark] != nil {
			v.Set(s.Key, f.Value.String())
			if list, ok := f.Value.(interface{ GetSlice() []string }); ok {
				v.Set(s.Key, list.GetSlice())
			}
			origin[s.Key] = Origin{Flag: s.Key}
		}
	}
	var cfg Config
	if err := decodeConfig(v, &cfg, origin); err != nil {
		return Config{}, err
	}
	cfg.Origin = origin
	for key := range own.Keys {
		own.Keys[key] = origin[key].File == ProjectFile // and nothing overrides it
	}
	cfg.Project = own
	return cfg, nil
}

// ConfigOf is what a project file says by itself.
func ConfigOf(env func(string) string, path string, content []byte, values map[string]any) (cfg Config, err error) {
	v, origin := viper.New(), map[string]Origin{}
	for _, s := range Settings() {
		v.SetDefault(s.Key, s.Def)
		origin[s.Key] = Origin{File: path}
	}
	if err := v.MergeConfigMap(values); err != nil {
		return Config{}, UsageError(fmt.Errorf("configuration %q: %w", path, err), "")
	}
	if err := decodeConfig(v, &cfg, origin); err != nil {
		return Config{}, err
	}
	cfg.Project, err = newProject(env, path, content, values)
	return cfg, err
}

// newProject is the project file at path, whose values are given.
func newProject(env func(string) string, path string, content []byte, values map[string]any) (Project, error) {
	path, err := TrustedPath(path)
	if err != nil {
		return Project{}, Failure(fmt.Errorf("configuration %q: %w", ProjectFile, err), "")
	}
	p := Project{Path: path, Keys: map[string]bool{}, Trust: NewTrustStore(env).state(path, content)}
	for key := range values {
		p.Keys[key] = true
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

// decodeConfig decodes strictly: a value of the wrong type is an error that names the
// key and its origin.
func decodeConfig(v *viper.Viper, cfg *Config, origin map[string]Origin) error {
	for _, s := range Settings() {
		value := v.Get(s.Key)
		if value == "" {
			value = nil
		}
		err := decode(map[string]any{s.Key: value}, cfg)
		if err == nil && len(s.OneOf) > 0 && !slices.Contains(s.OneOf, fmt.Sprint(value)) {
			err = fmt.Errorf("%q is not one of %s", value, strings.Join(s.OneOf, ", "))
		}
		if err != nil {
			return UsageError(fmt.Errorf("setting %q from %s: %w", s.Key, origin[s.Key], err), `see "julianctl help environment"`)
		}
	}
	seen := map[string]bool{}
	for _, e := range cfg.Endpoints {
		switch {
		case e.Name == "" || e.URL == "":
			return UsageError(fmt.Errorf("endpoint %q in %s needs a name and a url", e.Name+e.URL, origin["endpoints"]), "")
		case seen[e.Name]:
			return UsageError(fmt.Errorf("endpoint %q is named twice in %s", e.Name, origin["endpoints"]), "")
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
	err = d.Decode(values)
	var list interface{ Unwrap() []error }
	if errors.As(err, &list) {
		return list.Unwrap()[0]
	}
	return err
}

// durationHook reads "5s" and refuses a number without a unit.
func durationHook(from, to reflect.Type, value any) (any, error) {
	if to != reflect.TypeFor[time.Duration]() || from == to {
		return value, nil
	}
	text, ok := value.(string)
	if !ok {
		return nil, fmt.Errorf(`%v is not a duration; write it with its unit, such as "5s"`, value)
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return nil, fmt.Errorf(`%q is not a duration; write it like "500ms", "5s" or "2m"`, text)
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

// ProjectFile comes with a checkout: its settings are not the user's own. See
// ProjectRules.
const ProjectFile = ".julianctl.yaml"

// ConfigFile is a place where a configuration file may be.
type ConfigFile struct{ Name, Path string }

// The names of places. The user chose the file of --config.
const (
	fromFlag    = "given"
	fromUser    = "user"
	FromProject = "project"
)

// ConfigFiles lists the files that are read, lightest first.
func ConfigFiles(env func(string) string, explicit string) []ConfigFile {
	if explicit != "" {
		return []ConfigFile{{fromFlag, explicit}}
	}
	files := []ConfigFile{}
	if dir := configDir(env); dir != "" {
		files = append(files, ConfigFile{fromUser, filepath.Join(dir, "config.yaml")})
	}
	return append(files, ConfigFile{FromProject, ProjectFile})
}

// configDir returns the user's configuration folder for julianctl; empty if the
// environment names none.
func configDir(env func(string) string) string {
	return userDir(env, "XDG_CONFIG_HOME", "AppData", ".config")
}

// stateDir returns the user's state folder for julianctl; empty if the environment names
// none.
func stateDir(env func(string) string) string {
	return userDir(env, "XDG_STATE_HOME", "LocalAppData", ".local/state")
}

// userDir returns julianctl's folder below that of a variable of the XDG specification, of
// one of Windows, or below belowHome.
func userDir(env func(string) string, xdg, windows, belowHome string) string {
	if dir := env(xdg); filepath.IsAbs(dir) {
		return filepath.Join(dir, "julianctl")
	}
	if dir := env(windows); dir != "" {
		return filepath.Join(dir, "julianctl")
	}
	if home := env("HOME"); home != "" {
		return filepath.Join(home, belowHome, "julianctl")
	}
	return ""
}

// maxConfig is the size of a configuration file, in bytes, past which it is
// none.
const maxConfig = 1 << 20

// ReadConfigFile reads one file, and refuses unknown keys.
func ReadConfigFile(file ConfigFile) (values map[string]any, content []byte, err error) {
	path := file.Path
	bad := func(err error, hint string) (map[string]any, []byte, error) {
		return nil, nil, UsageError(fmt.Errorf("configuration %q%w", path, err), hint)
	}
	info, err := os.Stat(path)
	if err == nil && file.Name == FromProject && !info.Mode().IsRegular() {
		return bad(errors.New(" is not a regular file"), "") // a link to a device, which may never end
	}
	if err == nil {
		content, err = readAtMost(path, maxConfig)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return bad(fmt.Errorf(": %w", fs.ErrNotExist), `"julianctl config init" writes one`)
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
	for _, s := range Settings() {
		known = append(known, s.Key)
	}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if !slices.Contains(known, key) {
			return bad(fmt.Errorf(": unknown key %q", key), DidYouMean(key, known, "keys are "+strings.Join(known, ", ")))
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
		err = fmt.Errorf("it is larger than %s", units.Size(limit))
	}
	return content, err
}
