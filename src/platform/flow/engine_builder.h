// Derived tables that are stored in the engine: rows, tests and mark of a partition in one transaction of it.
#pragma once

#include "platform/flow/builder.h"
#include "stream/lake/lake.h"

namespace weir::flow {

class EngineBuilder final : public Builder {
 public:
  EngineBuilder(engine::Engine& engine, lake::Lake& lake, const Clock& clock, Partitions& partitions)
      : engine_(engine), lake_(lake), clock_(clock), partitions_(partitions) {}

  Result<Target> target(const TableContent& content) override;
  TableMarks marks(const std::string& table) const override { return partitions_.of(table); }
  Result<Built> build(const TableContent& content, const Target& target, const BuildRequest& request,
                      const Cancel& cancel) override;
  Status publish_shadow(const TableContent& content, const std::vector<Partition>& past, const Cancel& cancel) override;
  Status settle(const TableContent& content) override;
  Status drop_table(const std::string& table) override;

 private:
  TableMarks old_marks(const std::string& table) const;
  Status take_over(engine::Session& session, const TableContent& content, const std::vector<Partition>& past);

  engine::Engine& engine_;
  lake::Lake& lake_;
  const Clock& clock_;
  Partitions& partitions_;
};

}  // namespace weir::flow
