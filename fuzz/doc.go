// Package fuzz has no code of its own: its tests hold the engine against a
// model that is slow and easy to check, under random histories (fuzz targets)
// and under many goroutines (property tests).
package fuzz
