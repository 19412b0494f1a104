// Package report writes what the lab found: as text, Markdown, CSV, JSON and a page with
// charts.
package report
