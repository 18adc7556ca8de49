// Derived tables that are stored in the lake: a partition is one Parquet file, and its mark is part of the catalog's
// commit that lists it. Rows that come out as they were keep their file and their version.
#pragma once

#include "platform/flow/builder.h"
#include "stream/lake/lake.h"

namespace weir::flow {

class LakeBuilder final : public Builder {
 public:
  LakeBuilder(engine::Engine& engine, lake::Lake& lake, const Clock& clock, Partitions& partitions)
      : engine_(engine), lake_(lake), clock_(clock), partitions_(partitions) {}

  // `unsupported`: a column that Parquet does not keep as it is.
  Result<Target> target(const TableContent& content) override;
  TableMarks marks(const std::string& table) const override;
  Result<Built> build(const TableContent& content, const Target& target, const BuildRequest& request,
                      const Cancel& cancel) override;
  Status publish_shadow(const TableContent& content, const std::vector<Partition>& past, const Cancel& cancel) override;
  Status settle(const TableContent& content) override;
  Status drop_table(const std::string& table) override { return lake_.drop_derived(table); }

 private:
  // Rows that are written and do not count yet; the file goes with it unless it is handed in.
  struct Staged;
  Result<Staged> write(engine::Session& session, const lake::DerivedTable& table, const std::string& select,
                       const Partition& partition, std::optional<Duration> time);
  Result<std::string> digest(const lake::DerivedTable& table, const Staged& staged, const Cancel& cancel);
  Result<std::vector<TestFailure>> test(const TableContent& content, std::shared_ptr<const engine::Snapshot> inputs,
                                        const std::string& where, const Cancel& cancel,
                                        std::vector<TestFailure>& warnings);
  Status take_over(const TableContent& content, const lake::DerivedTable& shadow, const std::vector<Partition>& past,
                   const Cancel& cancel, std::vector<lake::DerivedPart>& parts, std::vector<Staged>& staged);

  engine::Engine& engine_;
  lake::Lake& lake_;
  const Clock& clock_;
  Partitions& partitions_;  // of tables that move from the engine
};

// The table that the SELECT's columns make in the lake.
Result<lake::DerivedTable> lake_table(const TableContent& content, const std::vector<engine::ResultColumn>& columns);

}  // namespace weir::flow
