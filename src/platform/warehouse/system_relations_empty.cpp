// What weir has no such thing for: no slices, no spilled steps, no data shares … Each line is a relation with its
// columns; the words for types are in system_relations.cpp.
#include "platform/warehouse/system_relations.h"

namespace weir::warehouse {

std::string_view empty_relations() {
  return R"(
stl_alert_event_log userid int, query int, slice int, segment int, step int, pid int, xid big, event text, solution
  text, event_time time
stl_bcast userid int, query int, slice int, segment int, step int, starttime time, endtime time, tasknum int, rows
  big, bytes big, packets int, checksum big
stl_commit_stats xid big, node int, startqueue time, startwork time, endtime time, queuelen big, permblocks big,
  newblocks big, dirtyblocks big, headers big, numxids big, oldestxid big, extwritelatency big, metadatawritten int,
  tombstonedblocks big, tossedblocks big, batched_by big
stl_delete userid int, query int, slice int, segment int, step int, starttime time, endtime time, tasknum int, rows
  big, tbl int
stl_dist userid int, query int, slice int, segment int, step int, starttime time, endtime time, tasknum int, rows
  big, bytes big, packets int, checksum big
stl_explain userid int, query int, nodeid int, parentid int, plannode text, info text
stl_insert userid int, query int, slice int, segment int, step int, starttime time, endtime time, tasknum int, rows
  big, tbl int, inserted_mega_value text, use_staging_table text
stl_loaderror_detail userid int, slice int, session int, query int, filename text, line_number big, field int,
  colname text, value text, is_null int, type text, col_length text
stl_mv_state userid big, starttime time, xid big, event_desc text, db_name text, base_table_schema text,
  base_table_name text, mv_schema text, mv_name text, state text
stl_s3client userid int, query int, slice int, recordtime time, pid int, http_method text, bucket text, key text,
  transfer_size big, data_size big, start_time big, end_time big, transfer_time big, compression_time big,
  connect_time big, app_connect_time big, retries big, request_id text, extended_request_id text, ip_address text,
  is_partial int, start_offset big, region text
stl_s3client_error userid int, query int, sliceid int, recordtime time, pid int, http_method text, bucket text, key
  text, error text, is_partial int, start_offset big
stl_save userid int, query int, slice int, segment int, step int, starttime time, endtime time, tasknum int, rows
  big, bytes big, tbl int, is_diskbased text, workmem big
stl_scan userid int, query int, slice int, segment int, step int, starttime time, endtime time, tasknum int, rows
  big, bytes big, fetches big, type int, tbl int, is_rrscan text, is_delayed_scan text, rows_pre_filter big,
  rows_pre_user_filter big, perm_table_name text, is_rlf_scan text, is_rlf_scan_reason int, num_em_blocks int,
  checksum big, runtime_filtering text, scan_region int, num_sortkey_as_predicate int, row_fetcher_state int,
  consumed_scan_ranges big, work_stealing_reason big, is_vectorized_scan text, is_vectorized_scan_reason int,
  row_fetcher_reason big, topology_signature big, use_tpm_partition text, is_rrscan_expr text
stl_tr_conflict xact_id big, process_id big, xact_start_ts time, abort_time time, table_id big
stl_usage_control eventtime time, query int, xid big, pid int, usage_limit_id text, feature_type text, feature_limit
  big, feature_usage big
stl_userlog userid int, username text, oldusername text, action text, usecreatedb int, usesuper int, usecatupd int,
  valuntil time, pid int, xid big, recordtime time
stl_vacuum userid int, xid big, table_id int, status text, rows big, sortedrows int, blocks int,
  max_merge_partitions int, eventtime time, reclaimable_rows big, reclaimable_space_mb big, cutoff_xid big,
  is_recluster int
stl_wlm_rule_action userid int, query int, service_class int, rule text, action text, recordtime time, action_value
  text, service_class_name text
stv_blocklist slice int, col int, tbl int, blocknum int, num_values int, extended_limits int, minvalue big, maxvalue
  big, sb_pos int, pinned int, on_disk int, modified int, hdr_modified int, unsorted int, tombstone int,
  preferred_diskno int, temporary int, newblock int, num_readers int, flags int
stv_block_reps id int, host int
stv_exec_state userid int, query int, slice int, segment int, step int, starttime time, currenttime time, tasknum
  int, rows big, bytes big, label text, is_diskbased text, workmem big, num_parts int, is_rrscan text,
  is_delayed_scan text
stv_load_state userid int, session int, query int, slice int, pid int, recordtime time, bytes_to_load big,
  bytes_loaded big, bytes_to_load_compressed big, bytes_loaded_compressed big, lines int, num_files int,
  num_files_complete int, current_file text, pct_complete int
stv_locks table_id int, last_commit time, last_update time, lock_owner big, lock_owner_pid big, lock_owner_start_ts
  time, lock_owner_end_ts time, lock_status text
stv_mv_deps db_name text, schema text, name text, ref_schema text, ref_name text, ref_database_name text
stv_node_storage_capacity node int, used int, capacity int
stv_partitions owner int, host int, diskno int, part_begin big, part_end big, used int, tossed int, capacity int,
  reads big, writes big, seek_forward int, seek_back int, is_san int, failed int, mbps int, mount text
stv_wlm_classification_config id int, condition text, action_seq int, action text, action_service_class int
stv_wlm_qmr_config service_class int, rule_name text, action text, metric_name text, metric_operator text,
  metric_value double, action_value text
stv_wlm_service_class_config service_class int, queueing_strategy text, num_query_tasks int, target_num_query_tasks
  int, evictable text, eviction_threshold big, query_working_mem int, target_query_working_mem int, min_step_mem
  int, name text, max_execution_time big, user_group_wild_card bool, query_group_wild_card bool, concurrency_scaling
  text, query_priority text, user_role_wild_card bool
stv_wlm_service_class_state service_class int, num_queued_queries int, num_executing_queries int,
  num_serviced_queries int, num_executed_queries int, query_working_mem int, num_concurrent_scaling int
svcs_alert_event_log query int, segment int, step int, pid int, xid big, event text, solution text, event_time time
svcs_compile userid int, xid big, pid int, query int, segment int, locus int, starttime time, endtime time, compile
  int
svcs_concurrency_scaling_usage start_time time, end_time time, queries big, usage_in_seconds big
svcs_query_summary userid int, query int, stm int, seg int, step int, maxtime big, avgtime big, rows big, bytes big,
  rate_row double, rate_byte double, label text, is_diskbased text, workmem big, is_rrscan text, is_delayed_scan
  text, rows_pre_filter big
svl_auto_worker_action table_id int, type text, status text, eventtime time, sequence int, previous_state text
svl_compile userid int, xid big, pid int, query int, segment int, locus int, starttime time, endtime time, compile int
svl_datashare_usage_consumer userid int, pid int, xid big, request_id text, request_type text, transaction_uid text,
  recordtime time, status int, error text
svl_federated_query userid int, xid big, pid int, query int, sourcetype text, recordtime time, querytext text,
  num_rows big, num_bytes big, duration big
svl_query_metrics userid int, query big, service_class int, dimension text, segment int, step int, step_label text,
  query_cpu_time big, query_blocks_read big, query_execution_time big, query_cpu_usage_percent number,
  query_temp_blocks_to_disk big, segment_execution_time big, cpu_skew number, io_skew number, scan_row_count big,
  join_row_count big, nested_loop_join_row_count big, return_row_count big, spectrum_scan_row_count big,
  spectrum_scan_size_mb big, query_queue_time big, service_class_name text
svl_query_metrics_summary userid int, query big, service_class int, query_cpu_time big, query_blocks_read big,
  query_execution_time big, query_cpu_usage_percent number, query_temp_blocks_to_disk big, segment_execution_time
  big, cpu_skew number, io_skew number, scan_row_count big, join_row_count big, nested_loop_join_row_count big,
  return_row_count big, spectrum_scan_row_count big, spectrum_scan_size_mb big, query_queue_time big,
  service_class_name text
svl_query_report userid int, query int, slice int, segment int, step int, start_time time, end_time time,
  elapsed_time big, rows big, bytes big, label text, is_diskbased text, workmem big, is_rrscan text, is_delayed_scan
  text, rows_pre_filter big
svl_query_summary userid int, query int, stm int, seg int, step int, maxtime big, avgtime big, rows big, bytes big,
  rate_row double, rate_byte double, label text, is_diskbased text, workmem big, is_rrscan text, is_delayed_scan
  text, rows_pre_filter big
svl_s3list query int, segment int, node int, slice int, eventtime time, bucket text, prefix text, recursive text,
  retrieved_files int, max_file_size big, avg_file_size double, generated_splits int, avg_split_length double,
  duration big
svl_s3log pid int, query int, segment int, step int, node int, slice int, eventtime time, message text
svl_s3partition_summary query int, segment int, assignment text, min_starttime time, max_endtime time, min_duration
  big, max_duration big, avg_duration big, total_partitions int, qualified_partitions int, min_assigned_partitions
  int, max_assigned_partitions int, avg_assigned_partitions big
svl_s3query userid int, query int, segment int, step int, node int, slice int, starttime time, endtime time, elapsed
  big, external_table_name text, is_partitioned text, is_rrscan text, is_nested text, s3_scanned_rows big,
  s3_scanned_bytes big, s3query_returned_rows big, s3query_returned_bytes big, files int, splits int,
  total_split_size big, max_split_size big, total_retries int, max_retries int, max_request_duration int,
  avg_request_duration double, max_request_parallelism int, avg_request_parallelism double
svl_spectrum_scan_error userid int, query int, location text, rowid text, colname text, original_value text,
  modified_value text, trigger text, action text, action_value text, error_code int
svl_stored_proc_call userid int, session_userid int, query int, label text, xid big, pid int, database text,
  querytxt text, starttime time, endtime time, aborted int, from_sp_call int
svl_udf_log query big, message text, created time, traceback text, funcname text, node int, slice int, seq int
svv_alter_table_recommendations type text, database text, table_id int, group_id int, ddl text, auto_eligible text
svv_datashares share_name text, share_id int, share_owner int, source_database text, consumer_database text,
  share_type text, createdate time, is_publicaccessible bool, share_acl text, producer_account text,
  producer_namespace text, managed_by text
svv_datashare_consumers share_name text, consumer_account text, consumer_namespace text, share_date time
svv_datashare_objects share_type text, share_name text, object_type text, object_name text, producer_account text,
  producer_namespace text, include_new bool
svv_diskusage db_id int, name text, slice int, col int, tbl int, blocknum int, num_values int, minvalue big,
  maxvalue big, sb_pos int, pinned int, on_disk int, modified int, hdr_modified int, unsorted int, tombstone int,
  preferred_diskno int, temporary int, newblock int
svv_query_inflight userid int, slice int, query int, pid int, starttime time, suspended int, text text, sequence int
svv_query_state userid int, query int, seg int, step int, maxtime time, avgtime time, rows big, bytes big, cpu
  double, memory big, rate_row double, rate_byte double, label text, is_diskbased text, workmem big, num_parts int,
  is_rrscan text, is_delayed_scan text
svv_transactions txn_owner text, txn_db text, xid big, pid int, txn_start time, lock_mode text, lockable_object_type
  text, relation int, granted bool
svv_vacuum_progress table_name text, status text, time_remaining_estimate text
svv_vacuum_summary table_name text, xid big, sort_partitions big, merge_increments big, elapsed_time big, row_delta
  big, sortedrow_delta big, block_delta int, max_merge_partitions int
pg_aggregate aggfnoid oid, aggkind text, aggnumdirectargs small, aggtransfn text, aggfinalfn text, aggsortop oid,
  aggtranstype oid, agginitval text
pg_amop oid oid, amopfamily oid, amoplefttype oid, amoprighttype oid, amopstrategy small, amoppurpose text, amopopr
  oid, amopmethod oid, amopsortfamily oid
pg_amproc oid oid, amprocfamily oid, amproclefttype oid, amprocrighttype oid, amprocnum small, amproc text
pg_available_extensions name text, default_version text, installed_version text, comment text
pg_cast oid oid, castsource oid, casttarget oid, castfunc oid, castcontext text, castmethod text
pg_conversion oid oid, conname text, connamespace oid, conowner oid, conforencoding int, contoencoding int, conproc
  text, condefault bool
pg_db_role_setting setdatabase oid, setrole oid, setconfig texts
pg_default_acl oid oid, defaclrole oid, defaclnamespace oid, defaclobjtype text, defaclacl texts
pg_enum oid oid, enumtypid oid, enumsortorder real, enumlabel text
pg_event_trigger oid oid, evtname text, evtevent text, evtowner oid, evtfoid oid, evtenabled text, evttags texts
pg_extension oid oid, extname text, extowner oid, extnamespace oid, extrelocatable bool, extversion text, extconfig
  oids, extcondition texts
pg_foreign_data_wrapper oid oid, fdwname text, fdwowner oid, fdwhandler oid, fdwvalidator oid, fdwacl texts,
  fdwoptions texts
pg_foreign_server oid oid, srvname text, srvowner oid, srvfdw oid, srvtype text, srvversion text, srvacl texts,
  srvoptions texts
pg_foreign_table ftrelid oid, ftserver oid, ftoptions texts
pg_indexes schemaname text, tablename text, indexname text, tablespace text, indexdef text
pg_inherits inhrelid oid, inhparent oid, inhseqno int, inhdetachpending bool
pg_largeobject_metadata oid oid, lomowner oid, lomacl texts
pg_locks locktype text, database oid, relation oid, page int, tuple small, virtualxid text, transactionid oid,
  classid oid, objid oid, objsubid small, virtualtransaction text, pid int, mode text, granted bool, fastpath bool,
  waitstart zoned
pg_opclass oid oid, tableoid oid,
  opcmethod oid, opcname text, opcnamespace oid, opcowner oid, opcfamily oid, opcintype oid,
  opcdefault bool, opckeytype oid
pg_operator oid oid, tableoid oid,
  oprname text, oprnamespace oid, oprowner oid, oprkind text, oprcanmerge bool, oprcanhash bool,
  oprleft oid, oprright oid, oprresult oid, oprcom oid, oprnegate oid, oprcode text, oprrest text, oprjoin text
pg_opfamily oid oid, tableoid oid,
  opfmethod oid, opfname text, opfnamespace oid, opfowner oid
pg_partitioned_table partrelid oid, partstrat text, partnatts small, partdefid oid, partattrs smalls, partclass
  oids, partcollation oids, partexprs text
pg_policy oid oid, polname text, polrelid oid, polcmd text, polpermissive bool, polroles oids, polqual text,
  polwithcheck text
pg_policies schemaname text, tablename text, policyname text, permissive text, roles texts, cmd text, qual text,
  with_check text
pg_publication oid oid, pubname text, pubowner oid, puballtables bool, pubinsert bool, pubupdate bool, pubdelete
  bool, pubtruncate bool, pubviaroot bool
pg_publication_namespace oid oid, pnpubid oid, pnnspid oid
pg_publication_rel oid oid, prpubid oid, prrelid oid, prqual text, prattrs smalls
pg_publication_tables pubname text, schemaname text, tablename text, attnames texts, rowfilter text
pg_range rngtypid oid, rngsubtype oid, rngmultitypid oid, rngcollation oid, rngsubopc oid, rngcanonical text,
  rngsubdiff text
pg_rules schemaname text, tablename text, rulename text, definition text
pg_seclabel objoid oid, classoid oid, objsubid int, provider text, label text
pg_sequence seqrelid oid, seqtypid oid, seqstart big, seqincrement big, seqmax big, seqmin big, seqcache big,
  seqcycle bool
pg_sequences schemaname text, sequencename text, sequenceowner text, data_type text, start_value big, min_value big,
  max_value big, increment_by big, cycle bool, cache_size big, last_value big
pg_shdepend dbid oid, classid oid, objid oid, objsubid int, refclassid oid, refobjid oid, deptype text
pg_shdescription objoid oid, classoid oid, description text
pg_statistic_ext oid oid, stxrelid oid, stxname text, stxnamespace oid, stxowner oid, stxstattarget int, stxkeys
  smalls, stxkind texts, stxexprs text
pg_subscription oid oid, subdbid oid, subname text, subowner oid, subenabled bool, subconninfo text, subslotname
  text, subsynccommit text, subpublications texts
pg_timezone_names name text, abbrev text, utc_offset text, is_dst bool
pg_trigger oid oid, tableoid oid,
  tgrelid oid, tgparentid oid, tgname text, tgfoid oid, tgtype small, tgenabled text, tgisinternal
  bool, tgconstrrelid oid, tgconstrindid oid, tgconstraint oid, tgdeferrable bool, tginitdeferred bool, tgnargs
  small, tgattr smalls, tgargs text, tgqual text, tgoldtable text, tgnewtable text
pg_ts_config oid oid, cfgname text, cfgnamespace oid, cfgowner oid, cfgparser oid
pg_ts_dict oid oid, dictname text, dictnamespace oid, dictowner oid, dicttemplate oid, dictinitoption text
pg_ts_parser oid oid, prsname text, prsnamespace oid
pg_ts_template oid oid, tmplname text, tmplnamespace oid
pg_user_mapping oid oid, umuser oid, umserver oid, umoptions texts
)";
}

}  // namespace weir::warehouse
