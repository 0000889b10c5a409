#!/usr/bin/env bash
# Runs `septet bench rag` on public data sets and stores the results: benchmarks/rag/run.sh [SET...]
set -euo pipefail
cd "$(dirname "$0")/../.."
data=${SEPTET_DATA:-../shared/data}
sets=("$@")
[[ $# -gt 0 ]] || sets=(anthropic_docs_qa tydiqa_goldp_en cranfield cisi hotpotqa_100 tydiqa_goldp_ko)
for set in "${sets[@]}"; do
  [[ -d $data/$set ]] || { echo "skipped: $set is missing in $data (set SEPTET_DATA to the folder of the sets)"; continue; }
  .venv/bin/septet bench rag "$data/$set" --retrieval-only --json > "benchmarks/rag/results/$set.partial"
  mv "benchmarks/rag/results/$set.partial" "benchmarks/rag/results/$set.json"
done
