package page

import (
	"compress/gzip"
	"io"
	"net/http"
	"strings"
)

// stream sends frames, compressed if the viewer accepts it, because frames are mostly
// repeated markup.
type stream struct {
	w  io.Writer
	gz *gzip.Writer // nil = not compressed
}

func newStream(w http.ResponseWriter, r *http.Request) *stream {
	if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		return &stream{w: w}
	}
	w.Header().Set("Content-Encoding", "gzip")
	return &stream{w: w, gz: gzip.NewWriter(w)}
}

func (s *stream) send(frame []byte) error {
	if s.gz == nil {
		_, err := s.w.Write(frame)
		return err
	}
	if _, err := s.gz.Write(frame); err != nil {
		return err
	}
	return s.gz.Flush()
}
