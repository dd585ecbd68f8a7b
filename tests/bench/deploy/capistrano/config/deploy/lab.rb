server ENV['BENCH_ADDRESS'], user: 'deploy', roles: %w[app]
