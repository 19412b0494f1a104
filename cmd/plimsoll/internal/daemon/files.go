package daemon

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine/config"
)

// goneAfter is the number of checks in a row at which a missing file is reported. An
// editor that replaces a file removes it for a moment.
const goneAfter = 3

// watchedFile is the state of a file at the last check.
type watchedFile struct {
	path    string
	info    fs.FileInfo // nil = it was missing
	missing int         // checks in a row
	// included reports that the configuration names the file.
	included bool
}

func watch(paths ...string) []watchedFile {
	var list []watchedFile
	for _, path := range paths {
		if path != "" {
			info, _ := os.Stat(path) // reading the file returns the error
			list = append(list, watchedFile{path: path, info: info})
		}
	}
	return list
}

// withIncluded returns the files to watch: those that the options name, and those that
// the configuration in force includes.
func withIncluded(list []watchedFile, included []config.Source) []watchedFile {
	out := slices.DeleteFunc(slices.Clone(list), func(w watchedFile) bool {
		return w.included && !slices.ContainsFunc(included, func(s config.Source) bool { return s.Path == w.path })
	})
	for _, s := range included {
		if !slices.ContainsFunc(out, func(w watchedFile) bool { return w.path == s.Path }) {
			out = append(out, watchedFile{path: s.Path, info: s.Info, included: true})
		}
	}
	return out
}

// looked is the result of a check of the files.
type looked struct {
	files   []watchedFile
	changed bool
}

// look checks the files.
func look(before []watchedFile) (looked, error) {
	out := looked{files: append([]watchedFile(nil), before...)}
	for i := range out.files {
		w := &out.files[i]
		info, err := os.Stat(w.path)
		if errors.Is(err, fs.ErrNotExist) {
			w.missing++
			continue
		}
		back := w.missing >= goneAfter
		w.missing = 0
		if err != nil || !back && w.info != nil && os.SameFile(info, w.info) && info.ModTime().Equal(w.info.ModTime()) && info.Size() == w.info.Size() {
			continue
		}
		w.info, out.changed = info, true
	}
	return out, nil
}

// poll checks the files every Options.Poll. It reads them after a change and after a
// signal on reload. It returns when stop is closed.
func (d *Daemon) poll(stop <-chan struct{}, reload <-chan os.Signal) {
	tick := time.NewTicker(d.opts.Poll)
	defer tick.Stop()
	stuck := false
	for {
		select {
		case <-stop:
			return
		case <-reload:
			d.Reload()
			d.watched = withIncluded(d.watched, d.File().Included)
		case <-tick.C:
			now, err := within(&d.patient, func() (looked, error) { return look(d.watched) })
			if err != nil {
				if !stuck {
					d.log.Warn("the files cannot be checked", "error", err.Error())
				}
				stuck = true
				continue
			}
			stuck = false
			d.reportGone(now.files)
			d.watched = now.files
			if now.changed {
				d.Reload()
				d.watched = withIncluded(d.watched, d.File().Included)
			}
		}
	}
}

// FilesMissing reports whether a file that was read is now missing.
func (d *Daemon) FilesMissing() bool { return d.gone.Load() }

// reportGone logs once that a file is missing.
func (d *Daemon) reportGone(files []watchedFile) {
	gone := false
	for _, f := range files {
		gone = gone || f.missing >= goneAfter
		if f.missing == goneAfter {
			d.log.Warn("a file is missing: its contents stay in force, but a restart would fail", "file", f.path)
		}
	}
	d.gone.Store(gone)
}
