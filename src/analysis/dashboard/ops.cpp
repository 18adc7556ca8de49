// The dashboard that every project has: what comes in, how it is answered, what waits, what failed.
#include "analysis/dashboard/dashboard.h"
#include "core/base/check.h"

namespace weir::dashboard {
namespace {

constexpr const char* kOps = R"yaml(
title: Operations
description: How the program is. A project's own dashboards/ops.yaml takes the place of this one.
range: 1h
refresh: 10s
panels:
  - {name: intake, kind: text, title: What comes in}
  - name: records
    title: Records by outcome
    step: 60s
    left: {unit: /s, min: 0}
    series:
      - {name: records, metric: weir_capture_records_total, by: outcome, statistic: rate}
  - name: bytes
    title: Bytes by stream
    step: 60s
    left: {unit: bytes/s, min: 0}
    series:
      - {name: bytes, metric: weir_capture_bytes_total, by: stream, statistic: rate}
  - name: acknowledgement
    title: How long an acknowledgement takes
    description: From a request's arrival at capture to its verdicts, which wait for the disk; and one sync of the disk.
    step: 60s
    left: {unit: seconds, min: 0}
    series:
      - {name: p50, label: Median, metric: weir_capture_submit_seconds, statistic: p50}
      - {name: p95, label: 95 of 100, metric: weir_capture_submit_seconds, statistic: p95}
      - {name: p99, label: 99 of 100, metric: weir_capture_submit_seconds, statistic: p99}
      - {name: sync, label: "Sync, 99 of 100", metric: weir_journal_sync_seconds, statistic: p99}
  - name: quarantine
    title: Quarantine by reason
    step: 60s
    left: {unit: records, min: 0}
    series:
      - {name: quarantined, metric: weir_capture_quarantined_total, by: reason, statistic: sum}
  - {name: answers, kind: text, title: What is answered}
  - name: requests
    title: Requests by route
    step: 60s
    left: {unit: /s, min: 0}
    series:
      - {name: requests, metric: weir_http_requests_total, by: route, statistic: rate}
  - name: request_p95
    title: "Time to the answer by route, 95 of 100"
    step: 60s
    left: {unit: seconds, min: 0}
    series:
      - {name: p95, metric: weir_http_request_seconds, by: route, statistic: p95}
  - name: statuses
    title: Answers by status
    description: 4xx are callers' mistakes, 5xx are ours.
    step: 60s
    left: {unit: requests, min: 0}
    series:
      - {name: answers, metric: weir_http_requests_total, by: status, statistic: sum}
  - name: statements
    title: SQL statements
    step: 60s
    left: {unit: statements, min: 0}
    right: {unit: seconds, min: 0}
    series:
      - {name: ended, label: Ended, metric: weir_sql_statements_total, statistic: sum}
      - {name: waiting, label: Waiting, metric: weir_sql_waiting, statistic: max}
      - {name: p95, label: "Time, 95 of 100", metric: weir_sql_statement_seconds, statistic: p95, axis: right}
  - {name: behind, kind: text, title: What waits}
  - name: queue
    title: Queue of the journal
    description: Bytes that were taken on and are not on disk yet.
    step: 60s
    left: {unit: bytes, min: 0}
    series:
      - {name: queued, label: Queued, metric: weir_journal_queued_bytes, statistic: max}
  - name: lag
    title: Lake behind the journal
    step: 60s
    left: {unit: records, min: 0}
    series:
      - {name: lag, label: Records without a file, metric: weir_lake_lag_records, statistic: max}
  - name: freshness
    title: Age of the oldest record without a file
    description: Archive and Parquet are written together; a record waits for lake.commit_interval at most.
    step: 60s
    left: {unit: seconds, min: 0}
    sql: |
      SELECT time_bucket($step, sampled_at) AS time,
             max(CASE WHEN value > 0 THEN greatest(0, epoch(sampled_at) - value) ELSE 0 END) AS age
      FROM weir_metrics
      WHERE name = 'weir_lake_oldest_waiting_timestamp_seconds' AND sampled_at >= $from AND sampled_at < $to
      GROUP BY 1
    series:
      - {name: age, label: Age, column: age}
  - name: disk
    title: Disk and memory
    step: 60s
    left: {unit: bytes, min: 0}
    series:
      - {name: journal, label: Journal, metric: weir_journal_disk_bytes, statistic: last}
      - {name: memory, label: Memory, metric: process_resident_memory_bytes, statistic: last}
  - {name: work, kind: text, title: What is computed}
  - name: run_states
    kind: bar
    title: Runs by state
    width: 4
    sql: |
      SELECT state, count(*) AS runs FROM weir_runs
      WHERE queued_at >= $from AND queued_at < $to
      GROUP BY 1 ORDER BY 2 DESC
  - name: partitions
    title: Partitions computed
    width: 8
    step: 60s
    left: {unit: partitions, min: 0}
    series:
      - {name: computed, label: Computed, metric: weir_flow_partitions_total, statistic: sum}
      - {name: failed, label: Failed, metric: weir_flow_partition_failures_total, statistic: sum}
  - name: failed_runs
    kind: table
    title: Runs that failed
    width: 12
    sql: |
      SELECT queued_at, name, kind, round(seconds, 1) AS seconds, error FROM weir_runs
      WHERE state = 'failed' AND queued_at >= $from AND queued_at < $to
      ORDER BY queued_at DESC
)yaml";

}  // namespace

const Dashboard& ops_dashboard() {
  static const Dashboard made = [] {
    ParsedDashboard parsed = parse_dashboard(kOps, "ops.yaml", "ops");
    CHECK(parsed.errors.empty(), "the built-in dashboard is good");
    return std::move(parsed.dashboard);
  }();
  return made;
}

}  // namespace weir::dashboard
