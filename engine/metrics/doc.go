// Package metrics exports an engine and its syncer to Prometheus.
//
// A [Collector] reads [engine.Engine.AppendStates], [engine.Engine.Stats] and
// [syncer.Syncer.Stats] at each scrape. Between scrapes it keeps only
// the totals below which its counters must not fall. No decision waits for a scrape.
//
// # Metrics of a deployment
//
// They have the labels deployment and group, and those marked * also limit: rpm,
// tpm and in_flight, and, if there are such limits, input_tpm, output_tpm, rph, tph, rpd
// and tpd. All except cooldowns_total are gauges. Headroom is limit - usage, whose
// labels are the same. Usage is that of all nodes as known here, reservations
// included, in the current minute, hour or day; that of in_flight is
// this node's alone.
//
//	plimsoll_deployment_usage *              requests, tokens or calls that count towards the limit
//	plimsoll_deployment_limit *              absent where unlimited
//	plimsoll_deployment_others_usage *       part of usage: what rpm and tpm other nodes used; absent without Config.Syncer
//	plimsoll_deployment_utilization_ratio    usage / limit of the fullest limit, in_flight aside; under a limit of zero, 1 at least
//	plimsoll_deployment_held_tokens          part of the tokens: reserved by calls that have not ended, if Config.TrackHeld
//	plimsoll_deployment_cooldown_seconds     until it may be picked again; 0 = it may
//	plimsoll_deployment_enabled              1 or 0
//	plimsoll_deployment_cooldowns_total      by cause; a counter of this node, each absent until there was one
//	plimsoll_deployment_info                 1, with the label model
//
// # Metrics of a caller
//
// They are gauges with the labels caller and limit, of the limits that the caller has:
//
//	plimsoll_caller_usage    requests, tokens or calls that count towards the limit
//	plimsoll_caller_limit
//
// # Metrics of the engine
//
//	plimsoll_requests_admitted_total
//	plimsoll_requests_refused_total          by limit; also cooldown, disabled, and share: only this node's share of a limit was used up
//	plimsoll_requests_waiting, _waited_total, _gave_up_total, _turned_away_total
//	plimsoll_tokens_total                    of calls that have ended, on this node
//	plimsoll_overrun_tokens_total            used above a limit
//	plimsoll_leases                          held now
//	plimsoll_leases_settled_total, _released_total, _expired_total, _late_total
//	plimsoll_windows_dropped_total           reports of ended minutes that no syncer collected in time
//	plimsoll_counts_invalid_total            demands refused and usages clamped as out of range
//	plimsoll_contended_total                 refusals that were not confirmed, because other attempts were half way
//	plimsoll_deployments, plimsoll_deployments_omitted
//
// # Metrics of the syncer
//
//	plimsoll_sync_exchanges_total, _failures_total, _in_doubt_total, _duplicates_total
//	plimsoll_sync_replayed_total, _reseeded_total, _restored_total
//	plimsoll_sync_refused_requests_total, _refused_tokens_total    usage that the store rejects for good
//	plimsoll_sync_dropped_requests_total, _dropped_tokens_total    not shared in time
//	plimsoll_sync_day_refused_requests_total, _day_refused_tokens_total
//	plimsoll_sync_day_dropped_requests_total, _day_dropped_tokens_total    the same, of days
//	plimsoll_sync_escrow, plimsoll_sync_escrow_missed_total, plimsoll_sync_escrow_waited_in_vain_total
//	plimsoll_sync_escrow_by_usage_deployments, plimsoll_sync_differing_deployments
//	plimsoll_sync_escrow_granted_requests, _granted_tokens, _waiting_requests
//	plimsoll_sync_forecast_requests, _forecast_tokens              usage expected of the other nodes, not yet received
//	plimsoll_sync_staleness_seconds, _interval_seconds, _round_trip_seconds, _clock_offset_seconds
//	plimsoll_sync_away, plimsoll_sync_degraded_seconds_total
//	plimsoll_sync_nodes, plimsoll_sync_unaware_nodes, plimsoll_sync_other_mode_nodes, plimsoll_sync_outdated_nodes, plimsoll_sync_keys
//	plimsoll_sync_bytes_total
//
// Of limits that are held by escrow, or that this node is configured to hold so, with the
// labels deployment, group and limit (missed_total: wait, at_once or waited):
//
//	plimsoll_sync_account_escrow             1, or 0 where they are kept together by usage
//	plimsoll_sync_account_granted, _own, _waiting
//	plimsoll_sync_account_missed_total       requests that found no grant although the limit had room
//
// # Cardinality
//
// A deployment costs up to 14 series with limits on requests, tokens and calls in
// flight, two more for each further kind of limit, and one for each cause of a
// cooldown, with escrow four for each limit and two beside them: the number of
// deployments is what grows.
// [Config.MaxDeployments] bounds it, and plimsoll_deployments_omitted says how
// many were left out. A caller costs two series for each of its limits, which
// [Config.MaxCallers] bounds; the engine's and the syncer's metrics, at most fifty
// series, always count all. Labels come from the configuration, never from a
// request.
package metrics
