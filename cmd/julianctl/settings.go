package main

import (
	"encoding/json"
	"errors"
	"fmt"
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

	origin map[string]string // key to where its value came from
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

// loadConfig merges default, user file, project file, environment and flags,
// in rising order of weight.
func loadConfig(env func(string) string, cmd *cobra.Command) (config, error) {
	v := viper.New()
	origin := map[string]string{}
	all := settings()
	for _, s := range all {
		v.SetDefault(s.key, s.def)
		origin[s.key] = "default"
	}
	explicit := ""
	if f := cmd.Flags().Lookup("config"); f != nil {
		explicit = f.Value.String()
	}
	for _, file := range configFiles(env, explicit) {
		values, err := readConfigFile(file.path)
		if errors.Is(err, fs.ErrNotExist) && explicit == "" {
			continue
		}
		if err != nil {
			return config{}, err
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
	return cfg, nil
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
const projectFile = ".julianctl.yaml"

// configFile is a place where a configuration file may be.
type configFile struct{ name, path string }

// configFiles lists the files that are read, lightest first.
func configFiles(env func(string) string, explicit string) []configFile {
	if explicit != "" {
		return []configFile{{"given", explicit}}
	}
	files := []configFile{}
	if dir := configDir(env); dir != "" {
		files = append(files, configFile{"user", filepath.Join(dir, "config.yaml")})
	}
	return append(files, configFile{"project", projectFile})
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

// readConfigFile reads one file and refuses keys that nobody reads.
func readConfigFile(path string) (map[string]any, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, usage(fmt.Errorf("configuration %q is not there: %w", path, fs.ErrNotExist), `"julianctl config init" writes one`)
		}
		return nil, usage(fmt.Errorf("configuration %q: %w", path, err), "")
	}
	v := viper.New()
	v.SetConfigType("yaml")
	if err := v.ReadConfig(strings.NewReader(string(data))); err != nil {
		return nil, usage(fmt.Errorf("configuration %q: %w", path, err), "")
	}
	values := v.AllSettings()
	var known []string
	for _, s := range settings() {
		known = append(known, s.key)
	}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if !slices.Contains(known, key) {
			return nil, usage(fmt.Errorf("configuration %q: unknown key %q", path, key), didYouMean(key, known, "keys are "+strings.Join(known, ", ")))
		}
	}
	return values, nil
}
