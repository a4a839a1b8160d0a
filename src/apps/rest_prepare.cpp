#include "apps/work_session.hpp"
#include "rest/comm/communicator.hpp"
#include "rest/core/signals.hpp"
#include "rest/store/prepare_corpus.hpp"

namespace {

int body(const rest::Communicator& world, int argc, char** argv) {
  const auto command = rest::read_command_line(
      world, argc, argv,
      {"rest_prepare",
       "Trains the tokenizer (or takes data.tokenizer) and encodes the text of section [data] for all other programs.",
       "rest_prepare data/experiments/synthetic.toml --run run/synthetic"});
  if (!command) return rest::exit_success;
  const rest::WorkSession work(world, *command, {"prepare", ""});
  rest::prepare_corpora(world, command->experiment, work.run());
  return rest::exit_success;
}

}  // namespace

int main(int argc, char** argv) {
  rest::install_stop_signals();
  return rest::run_main(argc, argv, body);
}
