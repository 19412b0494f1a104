package config_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine/config"
)

func TestLiteLLMStore(t *testing.T) {
	for _, tt := range []struct {
		name, settings, url, shown, namespace string
	}{
		{"none", "", "", "", ""},
		{"cache off", "litellm_settings: {cache: false, cache_params: {host: h}}", "", "", ""},
		{"cache of another kind", "litellm_settings: {cache: true, cache_params: {type: s3, host: h}}", "", "", ""},
		{"host", "router_settings: {redis_host: h}", "valkey://h:6379", "valkey://h:6379", ""},
		{
			"everything", "router_settings: {redis_host: h, redis_port: 1, redis_username: u, redis_password: p w, redis_db: 3, redis_ssl: true, cache_kwargs: {namespace: n}}",
			"valkeys://u:p%20w@h:1/3", "valkeys://h:1/3", "n",
		},
		{"number as password", "router_settings: {redis_host: h, redis_password: 1234}", "valkey://:1234@h:6379", "valkey://h:6379", ""},
		{"address", "router_settings: {redis_url: 'rediss://:pass@h:7/2'}", "valkeys://:pass@h:7/2", "valkeys://h:7/2", ""},
		{"address first", "router_settings: {redis_url: 'redis://h', redis_host: other}", "valkey://h", "valkey://h", ""},
		{"IPv6", "router_settings: {redis_host: '::1'}", "valkey://[::1]:6379", "valkey://[::1]:6379", ""},
		{"host from the environment", "router_settings: {redis_host: os.environ/H, redis_port: os.environ/P}", "valkey://secret-host:99", "os.environ/H, os.environ/P", ""},
		{"cache", "litellm_settings: {cache: true, cache_params: {type: redis, host: h, port: 2, password: x, namespace: n}}", "valkey://:x@h:2", "valkey://h:2", "n"},
		{"address of a cache", "litellm_settings: {cache: true, cache_params: {url: 'redis://h:2'}}", "valkey://h:2", "valkey://h:2", ""},
		{"other address of a cache", "litellm_settings: {cache: true, cache_params: {redis_url: 'redis://h:2'}}", "valkey://h:2", "valkey://h:2", ""},
		{"router first", "router_settings: {redis_host: r}\nlitellm_settings: {cache: true, cache_params: {host: h}}", "valkey://r:6379", "valkey://r:6379", ""},
		{
			"cluster", "litellm_settings: {cache: true, cache_params: {redis_startup_nodes: [{host: a, port: 1}, {host: b, port: '2'}]}}",
			"valkey://a:1?addr=b%3A2&cluster=true", "valkey://a:1 and further servers", "",
		},
		{
			"sentinels", "litellm_settings: {cache: true, cache_params: {service_name: main, sentinel_nodes: [[a, 1], [b, 2]], password: x, sentinel_password: os.environ/P}}",
			"valkey://:x@a:1?addr=b%3A2&master_set=main&sentinel_password_env=P", "valkey://a:1 and further servers", "",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, err := config.Parse("f.yaml", []byte("model_list: [{model_name: g, litellm_params: {model: m}}]\n"+tt.settings),
				environ(map[string]string{"H": "secret-host", "P": "99"}))
			require.NoError(t, err)
			require.Equal(t, tt.url, string(f.Store.URL))
			require.Equal(t, tt.shown, f.Store.String())
			require.Equal(t, tt.namespace, f.Store.Namespace)
		})
	}
}

// A cache without an address is the one that REDIS_URL or REDIS_HOST names.
func TestLiteLLMStoreFromTheEnvironment(t *testing.T) {
	for _, tt := range []struct {
		name       string
		vars       map[string]string
		url, shown string
	}{
		{"host", map[string]string{"REDIS_HOST": "h", "REDIS_PORT": "7", "REDIS_PASSWORD": "secret-password"}, "valkey://:secret-password@h:7", "os.environ/REDIS_HOST, os.environ/REDIS_PORT"},
		{"address", map[string]string{"REDIS_URL": "redis://:secret-password@h:7"}, "valkey://:secret-password@h:7", "os.environ/REDIS_URL"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, err := config.Parse("f.yaml", []byte("model_list: [{model_name: g, litellm_params: {model: m}}]\nlitellm_settings: {cache: true}"), environ(tt.vars))
			require.NoError(t, err)
			require.Equal(t, tt.url, string(f.Store.URL))
			require.Equal(t, tt.shown, f.Store.String())
		})
	}
}

func TestLiteLLMStoreErrors(t *testing.T) {
	for settings, want := range map[string]string{
		"router_settings: {redis_url: 'http://me:hunter2hunter2@h'}":                                "router_settings.redis_url: is not an address that can be used",
		"router_settings: {redis_url: 'redis://me:hunter2%zz@h'}":                                   "router_settings.redis_url: is not an address that can be used",
		"router_settings: {redis_url: 'redis://h/one'}":                                             "router_settings.redis_url: is not an address that can be used",
		"router_settings: {redis_host: h, cache_kwargs: {namespace: '{a}'}}":                        "router_settings.cache_kwargs.namespace: found the text \"{a}\"; want a text without spaces, braces and control characters",
		"router_settings: {redis_host: [h]}":                                                        "router_settings.redis_host: found a list; want the name of a host",
		"router_settings: {redis_host: h, redis_port: 70000}":                                       "router_settings.redis_port: found 70000; want a whole number from 0 to 65535",
		"router_settings: {redis_host: h, redis_password: yes}":                                     "router_settings.redis_password: is a truth value; want a text; quote it",
		"litellm_settings: {cache: true, cache_params: {sentinel_nodes: [[a, b, c]]}}":              "cache_params.sentinel_nodes: found a list; want a host and a port",
		"litellm_settings: {cache: true, cache_params: {redis_startup_nodes: hunter2hunter2}}":      "cache_params.redis_startup_nodes: found the text",
		"litellm_settings: {cache: true, cache_params: {redis_startup_nodes: [{host: a, port: }]}}": "cache_params.redis_startup_nodes: found a mapping; want a host and a port",
	} {
		_, err := parse("model_list: [{model_name: g, litellm_params: {model: m}}]\n" + settings)
		require.ErrorContains(t, err, want)
	}
}

// The values of variables may end in a line, as those of mounted secrets do; hosts stand alone.
func TestRedisFromVariables(t *testing.T) {
	const file = "model_list: [{model_name: a, litellm_params: {model: openai/x, api_key: k}}]\n"
	settings := file + "router_settings: {redis_host: os.environ/H, redis_port: os.environ/P, redis_password: os.environ/W, redis_username: os.environ/U, redis_ssl: 'true'}\n"
	with := func(host string) config.Options {
		return environ(map[string]string{"H": host, "P": "6390\n", "W": "hunter2 hunter2\r\n", "U": "gw\n"})
	}
	f, err := config.Parse("f.yaml", []byte(settings), with("redis.internal\n"))
	require.NoError(t, err)
	require.Equal(t, "valkeys://gw:hunter2%20hunter2@redis.internal:6390", string(f.Store.URL))
	require.NotContains(t, f.Mask("wrong password hunter2 hunter2"), "hunter2")
	path := filepath.Join(t.TempDir(), "f.yaml")
	require.NoError(t, os.WriteFile(path, []byte(settings), 0o600))
	got, err := config.Convert(path, with("redis.internal\n"))
	require.NoError(t, err)
	require.Contains(t, string(got.Text), "store:")
	f, err = config.Parse("f.yaml", []byte(settings), with("::1"))
	require.NoError(t, err)
	require.Equal(t, "valkeys://gw:hunter2%20hunter2@[::1]:6390", string(f.Store.URL))
	for _, host := range []string{"redis:6379", "redis://redis", `"redis"`, "gw@redis"} {
		_, err = config.Parse("f.yaml", []byte(settings), with(host))
		require.ErrorContains(t, err, "f.yaml:2: router_settings.redis_host: found the value of os.environ/H, a text; want the name of a host alone", host)
	}
	_, err = parse(file + "router_settings: {startup_nodes: [{host: 'redis:1', port: 6379}]}\n")
	require.ErrorContains(t, err, "f.yaml:2: router_settings.startup_nodes: found a mapping; want a host and a port")
	f, err = config.Parse("f.yaml", []byte(file+"router_settings: {redis_url: os.environ/URL}\n"), environ(map[string]string{"URL": "redis://h:6390/1\n"}))
	require.NoError(t, err)
	require.Equal(t, "valkey://h:6390/1", string(f.Store.URL))
}
